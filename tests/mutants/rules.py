"""The rules that keep data and credentials safe, each with an edit that breaks it and the test that must then fail."""

from __future__ import annotations

from dataclasses import dataclass

_CLIENT = "tests/unit/test_unit_client.py::"
_LIFECYCLE = "tests/unit/test_unit_lifecycle.py::"
_PREFLIGHT = "tests/unit/test_unit_preflight.py::"
_WAITING = "tests/unit/test_unit_waiting.py::"
_HOST = "tests/host/test_host_process.py::"
_ENGINE = "tests/engine/test_engine_lifecycle.py::"
_QUIET = "tests/leaks/test_leaks_quiet.py::"
_LIST = "tests/cli/test_cli_list.py::"
_STATUS = "tests/cli/test_cli_status.py::"
_DISCONNECT = "tests/cli/test_cli_disconnect.py::"


@dataclass(frozen=True)
class Rule:
    """One rule.

    Attributes:
        id: A short name.
        says: The rule, as the docs have it.
        file: The module of ``outlit_pulumi`` that keeps it.
        code: A piece of that module, found there once.
        broken: What breaks the rule when it takes the place of ``code``.
        caught_by: The test that then fails.
    """

    id: str
    says: str
    file: str
    code: str
    broken: str
    caught_by: str


RULES = (
    # What is repeated, and for how long
    Rule(
        "reads-repeated",
        "A read is repeated after no answer, 429, 500, 502, 503 and 504.",
        "client.py",
        "return error.status in (500, 502, 503, 504)",
        "return False",
        _CLIENT + "test_reads_are_repeated",
    ),
    Rule(
        "refusals-not-repeated",
        "A read that was refused (400, 401, 403, 404) is not repeated.",
        "client.py",
        "return isinstance(error, (UnreachableError, UnreadableAnswerError, RateLimitedError))",
        "return True",
        _CLIENT + "test_reads_are_not_repeated_on_refusals",
    ),
    Rule(
        "unsent-writes-repeated",
        "A write that certainly did not arrive (connection refused, 429) is repeated.",
        "client.py",
        "return isinstance(error, RateLimitedError) or "
        "(isinstance(error, UnreachableError) and error.took_effect is False)",
        "return False",
        _CLIENT + "test_writes_that_did_not_arrive_are_repeated",
    ),
    Rule(
        "unreadable-reads-repeated",
        "So is a read whose answer cannot be read.",
        "client.py",
        "return isinstance(error, (UnreachableError, UnreadableAnswerError, RateLimitedError))",
        "return isinstance(error, (UnreachableError, RateLimitedError))",
        _CLIENT + "test_reads_are_repeated",
    ),
    Rule(
        "writes-not-repeated",
        "A connect or disconnect that may have arrived is not simply repeated.",
        "client.py",
        "hide or self._hide, again=_unsent, json=body",
        "hide or self._hide, again=_transient, json=body",
        _CLIENT + "test_writes_that_may_have_arrived_are_not_repeated",
    ),
    Rule(
        "disconnect-answer-read",
        "A disconnect counts as done when the answer says so, not on any 200.",
        "client.py",
        'self._write("/api/integrations/disconnect", {"provider": provider}, Disconnection, budget)',
        'self._write("/api/integrations/disconnect", {"provider": provider}, Problem, budget)',
        _CLIENT + "test_an_answer_of_another_shape",
    ),
    Rule(
        "attempts-limited",
        "A call is made five times at most.",
        "client.py",
        "return late or state.attempt_number >= self._retries.attempts",
        "return late or state.attempt_number >= 9 * self._retries.attempts",
        _CLIENT + "test_reads_are_repeated_only_so_often",
    ),
    Rule(
        "backoff",
        "Waits grow from a quarter of a second, with jitter.",
        "client.py",
        "return max(asked or 0.0, backoff(state))",
        "return asked or 0.0",
        _CLIENT + "test_waits_grow_up_to_a_limit",
    ),
    Rule(
        "retry-after-honoured",
        "`Retry-After` (seconds or a date) is waited for.",
        "client.py",
        "return max(asked or 0.0, backoff(state))",
        "return backoff(state)",
        _CLIENT + "test_retry_after_is_waited_for",
    ),
    Rule(
        "retry-after-capped",
        "A wait that the time left does not allow is not begun: the call fails at once.",
        "client.py",
        "late = self.clock.now() + state.upcoming_sleep >= deadline",
        "late = False",
        _CLIENT + "test_a_wait_beyond_the_budget_is_not_waited",
    ),
    Rule(
        "budget",
        "An operation has one time budget, `outlit:timeout`, and each of its calls may take half of what is left.",
        "client.py",
        "return now + max(0.0, self._ends - now) / 2",
        "return now + max(0.0, self._ends - now)",
        _CLIENT + "test_each_call_of_an_operation_may_take_half_of_what_is_left",
    ),
    Rule(
        "request-timeout",
        "No request may be silent for longer than the time left, or 30 seconds.",
        "client.py",
        "timeout = httpx.Timeout(left, connect=min(10.0, left))",
        "timeout = httpx.Timeout(60.0)",
        _CLIENT + "test_no_request_outlasts_the_time_that_is_left",
    ),
    Rule(
        "answer-in-time",
        "An answer that drips in is given up when the time is over.",
        "client.py",
        "if self.clock.now() > deadline:",
        "if False:",
        _CLIENT + "test_an_answer_that_drips_in_is_given_up_in_time",
    ),
    Rule(
        "answer-size",
        "An answer of more than 16 MiB is not read to its end.",
        "client.py",
        "if len(content) > _MAX_BODY:",
        "if False:",
        _CLIENT + "test_a_huge_answer_is_not_read_to_its_end",
    ),
    Rule(
        "redirects",
        "Redirects are not followed, so the key goes nowhere else.",
        "client.py",
        "self._http.handle_request(",
        "httpx.Client(transport=self._http, follow_redirects=True).send(",
        _CLIENT + "test_a_redirect_is_not_followed",
    ),
    Rule(
        "echo-redacted",
        "What the service says is shown without credentials, should it echo one.",
        "client.py",
        'said = hide(problem.error or problem.message or "")',
        'said = problem.error or problem.message or ""',
        _CLIENT + "test_an_echoed_secret_is_redacted",
    ),
    # The shared list
    Rule(
        "one-list-in-flight",
        "At most one list request of a workspace is under way in a process.",
        "workspace.py",
        "            wait([stale])",
        "            pass",
        _LIFECYCLE + "test_one_list_request_at_a_time",
    ),
    Rule(
        "list-shared",
        "All operations of a run share one list.",
        "workspace.py",
        "mine = listing is None or listing is stale",
        "mine = True",
        _LIFECYCLE + "test_threads_share_one_list",
    ),
    Rule(
        "list-kept-current",
        "Our own writes keep the shared list current.",
        "workspace.py",
        "return item.after_write(self._written[provider])",
        "return item",
        _LIFECYCLE + "test_delete_then_create_in_one_run",
    ),
    Rule(
        "list-failure-not-kept",
        "A list request that failed is made again by the next operation.",
        "workspace.py",
        "                    self._listing = None\n",
        "                    pass\n",
        _LIFECYCLE + "test_a_list_that_failed_is_asked_for_again",
    ),
    # Create
    Rule(
        "look-before-connect",
        "A create looks first, and sends no credentials to a provider that is connected.",
        "lifecycle.py",
        "    if item is not None and item.connected:\n        return _take_over",
        "    if item is not None and False:\n        return _take_over",
        _LIFECYCLE + "test_create_sends_nothing_when_connected",
    ),
    Rule(
        "conflict",
        "A connection of somebody else is taken over with `adopt_existing` only.",
        "lifecycle.py",
        '    if props.get("adopt_existing") is not True:\n'
        "        raise _conflict(name, operation.run.removed(operation.provider))\n",
        "",
        _LIFECYCLE + "test_create_sends_nothing_when_connected",
    ),
    Rule(
        "conflict-in-between",
        "Nor is one that somebody made between our look and our connect.",
        "lifecycle.py",
        "            if not adopt:\n                raise _conflict(name, replacing)\n",
        "",
        _LIFECYCLE + "test_create_meets_a_connection_made_in_between",
    ),
    Rule(
        "settle-by-looking",
        "A connect whose answer was lost is settled by a fresh look at the list.",
        "lifecycle.py",
        "        if not seen.connected or seen.connection_id is None:\n            return None\n",
        "        if True:\n            return None\n",
        _LIFECYCLE + "test_create_settles_a_lost_answer",
    ),
    Rule(
        "settle-with-a-fresh-look",
        "That look is newer than the write.",
        "operation.py",
        "seen = self.workspace.item(self.provider, fresh=True, budget=self.budget)",
        "seen = self.workspace.item(self.provider, budget=self.budget)",
        _LIFECYCLE + "test_create_settles_a_lost_answer",
    ),
    Rule(
        "not-sure-not-recorded",
        "After a lost answer the config counts as not applied, so the next up sends it again.",
        "lifecycle.py",
        "return operation.made({**props, UNCONFIRMED: True}, connection_id, item)",
        "return operation.made(props, connection_id, item)",
        _LIFECYCLE + "test_what_a_lost_answer_left_open_is_settled_by_the_next_up",
    ),
    Rule(
        "under-way-not-sent-again",
        "What may still be under way (a timeout, 504) is not sent again.",
        "operation.py",
        "                if again or error.under_way:",
        "                if again:",
        _LIFECYCLE + "test_create_does_not_send_again_what_may_be_under_way",
    ),
    Rule(
        "replacement-told",
        "A replacement that cannot connect says that the integration is now disconnected.",
        "lifecycle.py",
        "    if replacing:\n        failed = (",
        "    if False:\n        failed = (",
        _LIFECYCLE + "test_a_replacement_that_cannot_connect_says_that_it_is_disconnected",
    ),
    # Read
    Rule(
        "errors-keep-the-state",
        "Only a definite `not_connected` means that a connection is gone; every error keeps the state.",
        "lifecycle.py",
        '        raise error.during(f"{operation.name} {failed}") from None\n    item = operation.look(failed) if',
        "        return None\n    item = operation.look(failed) if",
        _LIFECYCLE + "test_read_keeps_the_state_on_errors",
    ),
    Rule(
        "answer-for-another",
        "An answer for another provider is not believed.",
        "client.py",
        "if found.provider != provider:",
        "if False:",
        _CLIENT + "test_a_sync_status_of_another_provider_is_unreadable",
    ),
    # Update
    Rule(
        "update-only-ours",
        "Credentials are rotated only on the connection that the state holds.",
        "lifecycle.py",
        '    _ours(operation, held, item, f"{name} was not updated")\n',
        "",
        _LIFECYCLE + "test_update_refuses_another_connection",
    ),
    Rule(
        "refresh-does-not-accept-for-others",
        "What a refresh of the same run met counts as accepted only in a later run.",
        "lifecycle.py",
        "if item.connection_id != held or operation.run.replaced(operation.provider):",
        "if item.connection_id != held:",
        _LIFECYCLE + "test_read_of_another_connection_warns",
    ),
    Rule(
        "not-applied",
        "A rotation that the service did not apply is an error.",
        "lifecycle.py",
        "if answer.already_connected or not answer.connected:",
        "if False:",
        _LIFECYCLE + "test_update_that_was_not_applied",
    ),
    Rule(
        "in-place",
        "A rotation reconnects in place, which keeps the synced data.",
        "lifecycle.py",
        "connect(provider, config, force=True, budget",
        "connect(provider, config, budget",
        _LIFECYCLE + "test_update_in_place",
    ),
    Rule(
        "update-lost-twice",
        "A rotation whose answers were lost is an error, so the next up sends it again.",
        "lifecycle.py",
        '        _ours(operation, held, seen, f"{name} may or may not have been updated")\n',
        '        raise NotAppliedError("")\n',
        _LIFECYCLE + "test_update_with_lost_answers_can_be_repeated",
    ),
    # Delete
    Rule(
        "delete-only-ours",
        "Only the connection that the state holds is disconnected.",
        "lifecycle.py",
        '    _ours(operation, held, item, f"{name} was not disconnected")\n',
        "",
        _LIFECYCLE + "test_the_wrong_workspaces_connection_is_not_deleted",
    ),
    Rule(
        "delete-not-what-was-taken",
        "What another resource of the run created or took over is not disconnected.",
        "lifecycle.py",
        "    if operation.run.holds(held):",
        "    if False:",
        _LIFECYCLE + "test_delete_keeps_what_this_run_took_over",
    ),
    Rule(
        "nor-what-another-process-took",
        "Nor is what a resource with another Provider, in a process of its own, took over in this run.",
        "run.py",
        "return self._handover is not None and self._handover.noted(connection_id)",
        "return False",
        "tests/unit/test_unit_handover.py::test_a_run_knows_what_other_processes_took_over",
    ),
    Rule(
        "nor-what-stays",
        "Nor is what a resource that stays in the program holds.",
        "run.py",
        "            self._kept.add(connection_id)\n",
        "            pass\n",
        _LIFECYCLE + "test_delete_keeps_what_a_resource_that_stays_holds",
    ),
    Rule(
        "destroy-is-not-held-up",
        "What a refresh compares, without a program, does not count as staying.",
        "run.py",
        "if provider not in self._declared:",
        "if False:",
        _LIFECYCLE + "test_what_a_refresh_compares_does_not_count_as_staying",
    ),
    Rule(
        "declared-twice",
        "A provider that is declared twice is not connected twice, not even by two calls at the same time.",
        "lifecycle.py",
        "            if operation.run.taken(provider):\n"
        "                raise _declared_twice(name)\n"
        "            if again:",
        "            if again:",
        _LIFECYCLE + "test_create_declared_twice_at_the_same_time",
    ),
    Rule(
        "recent-list",
        "A list is used for half a minute at most.",
        "workspace.py",
        "self._now() - self._asked > _RECENT",
        "False",
        _LIFECYCLE + "test_a_list_is_used_for_half_a_minute",
    ),
    Rule(
        "notes-end-with-their-run",
        "What an earlier run took over does not count.",
        "handover.py",
        "fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)",
        "raise BlockingIOError",
        "tests/unit/test_unit_handover.py::test_a_note_does_not_outlive_its_process",
    ),
    Rule(
        "incomplete-list",
        "A list that does not name the provider is no proof that it is not connected.",
        "lifecycle.py",
        "    if item is not None and not item.connected:\n        operation.warn(gone)",
        "    if item is None or not item.connected:\n        operation.warn(gone)",
        _LIFECYCLE + "test_a_list_that_does_not_name_the_provider_is_no_proof",
    ),
    Rule(
        "gone-is-success",
        "What is not connected any more (404) is deleted successfully.",
        "lifecycle.py",
        "        except NotConnectedError:\n            if not again:",
        "        except BrowserRequiredError:\n            if not again:",
        _LIFECYCLE + "test_delete_of_what_goes_in_between",
    ),
    Rule(
        "404-of-a-proxy",
        "A 404 without the API's own body proves nothing.",
        "client.py",
        "if status == 404 and problem.success is False:",
        "if status == 404:",
        _LIFECYCLE + "test_delete_is_not_satisfied_by_a_404_from_a_proxy",
    ),
    Rule(
        "delete-settled-by-looking",
        "A disconnect whose answer was lost is settled by looking.",
        "lifecycle.py",
        "        return not seen.connected\n",
        "        return None\n",
        _LIFECYCLE + "test_delete_settles_a_lost_answer",
    ),
    Rule(
        "damaged-state",
        "A state that does not say which connection it is touches nothing.",
        "lifecycle.py",
        "        raise StateError(",
        "        StateError(",
        _LIFECYCLE + "test_a_damaged_state_is_an_error_of_its_own",
    ),
    # Before and after
    Rule(
        "refused-key-in-preview",
        "A key that is refused fails the preview, before anything is touched.",
        "preflight.py",
        "                    self._refused = error\n",
        "                    pass\n",
        _PREFLIGHT + "test_a_refused_key_is_an_error_for_everybody",
    ),
    Rule(
        "no-answer-no-failure",
        "A service that does not answer does not fail a preview.",
        "preflight.py",
        "                except ApiError:\n",
        "                except KeyError:\n",
        _PREFLIGHT + "test_no_answer_is_no_failure_and_takes_seconds_once",
    ),
    Rule(
        "waiting-never-fails",
        "The wait for the first sync never fails a connection that exists.",
        "waiting.py",
        "            problem = error\n",
        "            raise\n",
        _WAITING + "test_a_service_that_never_answers_is_a_warning",
    ),
    # What only the provider process, the engine, the leak tests and the command line show
    Rule(
        "args-secret",
        "A secret field of an args object becomes a Pulumi secret, whether it was given as one or not.",
        "args.py",
        "item.name: pulumi.Output.secret(value) if item.secret else value",
        "item.name: value",
        _ENGINE + "test_the_main_job_with_exactly_the_calls_that_the_design_counts",
    ),
    Rule(
        "mapping-secret",
        "So does every field of a mapping that is not known to be public.",
        "args.py",
        "value if key in public else pulumi.Output.secret(value)",
        "value",
        _ENGINE + "test_the_main_job_with_exactly_the_calls_that_the_design_counts",
    ),
    Rule(
        "pickled-by-reference",
        "The provider is pickled by reference and holds nothing.",
        "provider.py",
        "        return IntegrationProvider, ()\n",
        "        return IntegrationProvider, (), self.__dict__\n",
        _QUIET + "test_a_pickled_provider_holds_nothing",
    ),
    Rule(
        "one-clean-line",
        "A failure is one line, without a traceback.",
        "provider.py",
        "        raise error.with_traceback(None) from None\n",
        "        raise RuntimeError(error, operation) from error\n",
        _HOST + "test_a_refused_create_is_one_clean_line",
    ),
    Rule(
        "bug-without-values",
        "What nobody expected is one line, too, without the text of its exception.",
        "provider.py",
        "        bug = InternalError.of(error)\n        sys.tracebacklimit = 0\n        raise bug from None\n",
        "        raise\n",
        _QUIET + "test_a_bug_shows_no_value",
    ),
    Rule(
        "check-without-values",
        "A failure of check names no property, since the engine would print its value.",
        "provider.py",
        'CheckFailure("", reason)',
        'CheckFailure("config", reason)',
        _HOST + "test_check_failures_hold_no_values",
    ),
    Rule(
        "gone-leaves-the-state",
        "Read gives what is gone no id, so that a refresh takes it out of the state.",
        "provider.py",
        'return ReadResult("", {}) if found is None',
        "return ReadResult(id_, props) if found is None",
        _HOST + "test_read_of_what_is_gone_has_no_id",
    ),
    Rule(
        "replacement-deletes-first",
        "A replacement disconnects before it connects, as a workspace holds one connection of a provider.",
        "provider.py",
        "delete_before_replace=bool(found.replaces)",
        "delete_before_replace=False",
        _HOST + "test_replacements_delete_first",
    ),
    Rule(
        "adopted-retained",
        "An adopted connection is kept when its resource is deleted.",
        "integration.py",
        "ResourceOptions(retain_on_delete=True)",
        "ResourceOptions()",
        _ENGINE + "test_adoption_sends_nothing_and_is_kept_on_destroy",
    ),
    Rule(
        "health-is-no-drift",
        "A refresh in which only syncs moved expects no changes.",
        "lifecycle.py",
        "        return Difference(bool(olds.get(UNCONFIRMED)))\n",
        '        return Difference(bool(olds.get("syncs")))\n',
        _ENGINE + "test_the_main_job_with_exactly_the_calls_that_the_design_counts",
    ),
    Rule(
        "alias-registered",
        "`gmail` is registered as `google-mail`.",
        "provider.py",
        'inputs = {**news, "provider": found.provider} if found.provider else news',
        "inputs = dict(news)",
        _HOST + "test_an_alias_is_registered_under_its_id",
    ),
    Rule(
        "environment-wins",
        "`OUTLIT_API_KEY` wins over the stack's configuration.",
        "settings.py",
        '    elif environ.get("OUTLIT_API_KEY"):\n',
        "    elif not config(API_KEY):\n",
        _HOST + "test_the_environment_wins",
    ),
    Rule(
        "explicit-provider-wins",
        "It never wins over an explicit Provider.",
        "settings.py",
        "    if explicit:\n",
        '    if explicit and not environ.get("OUTLIT_API_KEY"):\n',
        "tests/engine/test_engine_workspaces.py::test_two_explicit_providers_in_one_stack",
    ),
    Rule(
        "settings-without-the-key",
        "Settings print no API key.",
        "settings.py",
        "    api_key: str = field(repr=False)\n",
        "    api_key: str\n",
        _QUIET + "test_nothing_prints_the_api_key",
    ),
    Rule(
        "http-log-silent",
        "Debug logs of the HTTP library show nothing.",
        "client.py",
        'logging.getLogger("httpcore").setLevel(logging.WARNING)',
        'logging.getLogger("httpcore").setLevel(logging.NOTSET)',
        "tests/leaks/test_leaks_wire.py::test_no_bytes_of_an_answer_are_shown",
    ),
    Rule(
        "moved-between-providers",
        "What a resource of another Provider took over in the same run is not disconnected.",
        "handover.py",
        "fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)",
        "return False",
        "tests/engine/test_engine_workspaces.py::test_a_move_with_a_new_name_that_adopts_keeps_the_connection",
    ),
    Rule(
        "cli-json",
        "With `--json` the command line prints JSON and nothing else.",
        "cli/context.py",
        "        if self.json:\n            self.document(data)\n        else:",
        "        if False:\n            self.document(data)\n        else:",
        _LIST + "test_json_has_the_names_of_the_api",
    ),
    Rule(
        "cli-usage",
        "Wrong usage is exit code 2.",
        "cli/exits.py",
        "return USAGE if isinstance(error, UsageError) else ERROR",
        "return ERROR",
        _STATUS + "test_an_unknown_provider_is_exit_code_2",
    ),
    Rule(
        "cli-failing-sync",
        "`outlit-pulumi status` ends with 1 when a sync fails.",
        "cli/status.py",
        "            raise typer.Exit(exits.NO)\n",
        "            raise typer.Exit(exits.DONE)\n",
        _STATUS + "test_a_failing_sync_is_exit_code_1",
    ),
    Rule(
        "cli-asks",
        "`outlit-pulumi disconnect` disconnects only after a yes.",
        "cli/disconnect.py",
        "        if not yes and not _agreed(run, operation.name):\n",
        "        if not yes and _agreed(run, operation.name) is None:\n",
        _DISCONNECT + "test_any_other_answer_is_no",
    ),
    Rule(
        "cli-agreed-connection",
        "It disconnects the connection that it asked about, and no other.",
        "cli/disconnect.py",
        "    if item is not None and item.connected and item.connection_id != held:\n",
        "    if False:\n",
        _DISCONNECT + "test_another_connection_than_the_one_agreed_to_is_left_alone",
    ),
)
