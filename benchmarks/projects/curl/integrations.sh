#!/bin/sh
# What one would write without Pulumi: a request for each integration, one after another. integrations.tsv has their configs.
#   integrations.sh up|refresh|destroy
set -eu

call() {
  curl --silent --show-error --fail --output /dev/null --header "Authorization: Bearer $OUTLIT_API_KEY" "$@"
}

while IFS="$(printf '\t')" read -r provider config; do
  case "$1" in
    up)
      call --json "{\"provider\": \"$provider\", \"config\": $config}" "$OUTLIT_API_URL/api/integrations/connect"
      ;;
    refresh)
      call "$OUTLIT_API_URL/api/integrations/sync-status?provider=$provider"
      ;;
    destroy)
      call --json "{\"provider\": \"$provider\"}" "$OUTLIT_API_URL/api/integrations/disconnect"
      ;;
  esac
done < integrations.tsv
