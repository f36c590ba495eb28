"""Any settings are usable, or refused with an error that names the setting."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from outlit_pulumi import settings
from outlit_pulumi.api.errors import ApiError
from outlit_pulumi.errors import ConfigurationError

from .strategies import anticipated, client, examples, right, texts, values

keys = st.one_of(texts, texts.map(lambda text: f"ok_{text}"), st.just("ok_live"))
urls = st.one_of(
    texts,
    st.builds(
        lambda scheme, host, port, path: f"{scheme}://{host}{port}/{path}",
        st.sampled_from(("https", "http", "HTTPS", "ftp", "")),
        st.one_of(
            texts, st.sampled_from(("localhost", "[::1]", "127.1", "[", "xn--", "outlit.test", "ß.test", "a..b", "@x"))
        ),
        st.sampled_from(("", ":", ":0", ":99999", ":x", ":-1", ":٣")),
        texts,
    ),
)
times = st.one_of(texts, st.floats().map(str), st.integers().map(str))
names = {"outlit:apiKey": keys, "outlit:baseUrl": urls, "outlit:timeout": times, "outlit:explicitProvider": texts}
configs = st.fixed_dictionaries({}, optional={name: st.one_of(strategy, values) for name, strategy in names.items()})
environs = st.fixed_dictionaries({}, optional={"OUTLIT_API_KEY": keys, "OUTLIT_API_URL": urls})


@examples(600)
@given(config=configs, environ=environs)
def test_any_settings(config: dict[str, Any], environ: dict[str, str]) -> None:
    """Accepted settings can be used: a client made of them sends a request, or says what is wrong with the address."""
    try:
        held = settings.load(config.get, environ)
    except ConfigurationError as error:
        anticipated(error)
        return
    assert 1 <= held.timeout <= 3600
    outlit, _ = client([right({"items": []})], held)
    try:
        assert outlit.list_integrations().items == []
    except ApiError as error:
        anticipated(error)
