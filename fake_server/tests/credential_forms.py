"""Dummies of credentials in every form that has a mark, and values that look alike and are none.

The forms follow the vendors' pages and the list of gitleaks: prefixes and lengths only. Each dummy is made up here, the
same in every run: `{A36}` is 36 letters and digits, and so on for the other alphabets.
"""

from __future__ import annotations

import random
import re
import string

_LOWER = string.ascii_lowercase + string.digits
_ALPHABETS = {
    "A": string.ascii_letters + string.digits,
    "W": string.ascii_letters + string.digits + "_-",
    "B": string.ascii_letters + string.digits + "+/",
    "L": _LOWER,
    "H": "0123456789abcdef",
    "U": string.ascii_uppercase + string.digits,
    "N": string.digits,
}
_PART = re.compile(r"\{([A-Z])([0-9]+)\}")
FORMS = """
sk-{A48}  sk-proj-{W64}  sk-svcacct-{W64}  sk-admin-{W64}  sk-ant-api03-{W93}AA  sk-ant-admin01-{W93}AA  sk-or-v1-{H64}
sk-lf-{H36}  pk-lf-{H36}  sess-{A40}  ek_{A40}  gsk_{A52}  xai-{A80}  pplx-{A48}  csk-{L48}  fw_{A24}  tgp_v1_{W43}
nvapi-{W64}  hf_{A34}  api_org_{A34}  r8_{A37}  jina_{A60}  pa-{A43}  co-{A40}  tvly-{A32}  pcsk_{A60}  lsv2_pt_{H32}
lsv2_sk_{H32}  esecret_{A30}  apify_api_{A36}  phc_{A43}  phx_{A43}  e2b_{H40}  flp_{A40}  fc-{H32}  ABSK{B112}
bedrock-api-key-{A40}
AIza{W35}  ya29.{W60}  GOCSPX-{W28}  1//0{W40}  4/0A{W60}  LTAI{A20}  AQVN{W38}  {A3}8Q~{W34}  doo_v1_{H64}
dop_v1_{H64}  dor_v1_{H64}  v1.0-{H24}-{H146}  vcp_{A40}  vck_{A40}  vci_{A40}  vca_{A40}  sbp_{H40}  sb_secret_{A31}
fo1_{W43}  fm1a_{B120}  fm2_{B120}  HRKU-AA{W58}  pscale_tkn_{W43}  pscale_pw_{W43}  pscale_oauth_{W43}  SK{H32}
4b1d{A38}  tskey-auth-{A12}-{A24}  dapi{H32}  AKIA{U16}  ASIA{U16}  ABIA{U16}  ACCA{U16}
ghp_{A36}  gho_{A36}  ghu_{A36}  ghs_{A36}  ghr_{A36}  github_pat_{A22}_{A59}  glpat-{W20}  glcbt-1a_{W20}  gldt-{W20}
glffct-{W20}  glft-{W20}  glimt-{W25}  glagent-{W50}  gloas-{W64}  glptt-{H40}  glrt-{W20}  glsoat-{W20}
GR1348941{W20}  _gitlab_session={L32}  ATATT3{W186}  ATCTT3{W186}  ATBB{A32}  pypi-AgEIcHlwaS5vcmc{W60}  npm_{A36}
rubygems_{H48}  pul-{H40}  sqp_{H40}  squ_{H40}  sgp_{H40}  CLOJARS_{L60}  rdme_{L70}  AKCp{A69}  cmVmdGtu{A56}
EZAK{A54}  EZTK{A54}  EAAM{A110}  EAAA{W60}  API-{U26}  CCIPAT_{A22}_{H40}  sntrys_eyJpYXQiO{A90}_{A43}  sntryu_{H64}
glsa_{A32}_{H8}  glc_{B60}  NRAK-{U27}  NRII-{A32}  NRJS-{H19}  dt0c01.{U24}.{U64}  PMAK-{H24}-{H34}  bkua_{H40}
dckr_pat_{W27}  nfp_{A36}  rnd_{A28}  pnu_{A36}  tfp_{A44}
lin_api_{A40}  lin_oauth_{H64}  ntn_{N11}{A35}  secret_{A43}  figd_{W40}  figo_{W40}  hvs.{W96}  hvb.{W140}  s.{A24}
{A14}.atlasv1.{W67}  dp.pt.{A43}  dp.st.dev.{A43}  ops_eyJ{A260}  A3-{U6}-{U11}-{U5}-{U5}-{U5}  AGE-SECRET-KEY-1{U58}
sha256~{W43}  pat.{W22}.{A24}.{A20}  scauth_{L12}.{L5}.acc_{L20}.{A40}  dnkey-{L26}-{L52}  s-s4t2ud-{H64}
{A6}_{A29}_mmk  {H32}-us12
xoxb-{N12}-{N12}-{A24}  xoxp-{N12}-{N12}-{N12}-{H32}  xoxe-1-{U146}  xapp-1-{U11}-{N13}-{H64}  SG.{W22}.{W43}
hooks.slack.com/services/T{U8}/B{U10}/{A24}  discord.com/api/webhooks/{N18}/{W68}  {N10}:AA{W33}  xkeysib-{H64}-{A16}
mlsn.{H64}  re_{A8}_{A24}  key-{H32}  shpat_{H32}  shpca_{H32}  shppa_{H32}  shpss_{H32}  sq0atp-{W22}  sq0csp-{W43}
sk_live_{A24}  sk_test_{A24}  rk_live_{A24}  rk_prod_{A24}  whsec_{A32}  shippo_live_{H40}  duffel_test_{W43}
FLWSECK_TEST-{H32}-X  rzp_live_{A14}  access-sandbox-{H8}-{H4}-{H4}-{H4}-{H12}  sm_aat_{A16}  sm_pat_{A16}  p8e-{L32}
fio-u-{W64}  CFPAT-{W43}  pat-na1-{H8}-{H4}-{H4}-{H4}-{H12}  pat{A14}.{H64}  tk-us-{W48}  sl.{W135}  sk.eyJ{A60}.{A22}
v4.local.{W80}  eyJhbGciOiJIUzI1NiJ9.{W60}.{W43}
"""
"""One form a word; `Bearer` and the others that hold a space are below."""
SPACED = ("FlyV1 fm2_{B120}", "Bearer {W40}", "Basic {A40}", "https://me:{A24}@host/v1", "https://{A40}@host/v1")


def dummy(form: str) -> str:
    """A credential of this form, the same in every run; three or more kinds of characters where the form allows it."""
    generator = random.Random(form)
    return _PART.sub(lambda part: _letters(generator, part[1], int(part[2])), form)


def _letters(generator: random.Random, kind: str, size: int) -> str:
    alphabet = _ALPHABETS[kind]
    letters = generator.choices(alphabet, k=size)
    if size > 12:  # no dummy lacks a digit by chance, and none begins or ends with a sign
        letters[0], letters[-1], letters[1] = generator.choice("abcdef"), generator.choice("789"), "7"
        letters[2:4] = "kQ" if kind in "AWB" else letters[2:4]
        if kind in "UN":
            letters[0] = generator.choice("23456789")
    return "".join(letters)


CREDENTIALS = {form: dummy(form) for form in FORMS.split()} | {form: dummy(form) for form in SPACED}
