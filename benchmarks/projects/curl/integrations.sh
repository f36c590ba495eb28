#!/bin/sh
# What one would write without Pulumi: a request for each integration, one after another. integrations.tsv has their configs.
#   integrations.sh up|refresh|destroy
set -eu

call() {
  curl --silent --show-error --fail --output /dev/null --header "Authorization: Bearer $OUTLIT_API_KEY" "$@"
}

post() {
  call --header "Content-Type: application/json" --data "$2" "$OUTLIT_API_URL/api/integrations/$1"
}

while IFS="$(printf '\t')" read -r provider config; do
  case "$1" in
    up)
      post connect "{\"provider\": \"$provider\", \"config\": $config}"
      ;;
    refresh)
      call "$OUTLIT_API_URL/api/integrations/sync-status?provider=$provider"
      ;;
    destroy)
      post disconnect "{\"provider\": \"$provider\"}"
      ;;
  esac
done < integrations.tsv
