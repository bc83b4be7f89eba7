"""The fixed marks of credentials: what each begins with, and what must follow.

Facts of the vendors' own pages and of the lists of secret scanners; FORMS of the tests has a dummy of each.
"""

from __future__ import annotations

_APART = r"(?<![A-Za-z0-9+/]{24}[+/_-])"
"""In front of letters that base64 has as well: there a sign of base64 may precede them."""

PREFIXED = {
    # prefix (stays in the recording): what must follow it (is replaced)
    r"sk-|pk-lf-": r"[A-Za-z0-9_-]{16,}",
    r"sess-|ek_|sk_live_|sk_test_|sk_prod_|rk_live_|rk_test_|rk_prod_|sk_|whsec_": r"[A-Za-z0-9_-]{16,}",
    r"org-": r"[A-Za-z0-9]{20,}",
    r"proj_": r"[A-Za-z0-9]{16,}",
    # model providers and what surrounds them
    r"gsk_|csk-|fw_|tgp_v1_|nvapi-|lsv2_pt_|lsv2_sk_|pcsk_|tvly-|wandb_v1_|esecret_|apify_api_": r"[A-Za-z0-9_-]{20,}",
    r"co-|jina_|pa-|ico-|fc-": r"[A-Za-z0-9]{32,}",
    r"xai-|pplx-|npm_|flp_|e2b_": r"[A-Za-z0-9_]{36,}",
    r"hf_|r8_|api_org_": r"[A-Za-z0-9]{30,}",
    r"phc_|phx_|phs_|nfp_|dckr_pat_|dckr_oat_|rnd_|bkua_|tfp_|pnu_|pnb_|figd_|figo_": r"[A-Za-z0-9_-]{26,}",
    r"ABSK": r"[A-Za-z0-9+/]{60,}={0,2}",
    r"bedrock-api-key-": r"[A-Za-z0-9+/_=-]{20,}",
    # clouds
    r"dapi": r"[0-9a-f]{32}",
    r"AIza": r"[A-Za-z0-9_-]{35,}",
    r"ya29\.|AQ\.|GOCSPX-": r"[A-Za-z0-9_-]{20,}",
    rf"1//0|{_APART}4/0A": r"[A-Za-z0-9_-]{30,}",
    r"AKIA|ASIA|ABIA|ACCA": r"[A-Z0-9]{16}",
    rf"{_APART}LTAI": r"[A-Za-z0-9]{16,}",
    rf"{_APART}AQVN": r"[A-Za-z0-9_-]{35,}",
    rf"{_APART}YC": r"[A-Za-z0-9_-]{38}(?![A-Za-z0-9_-])",
    r"t1\.[A-Za-z0-9_=-]{30,200}\.": r"[A-Za-z0-9_-]{60,}={0,2}",
    r"[A-Za-z0-9_~.]{3}[0-9]Q~": r"[A-Za-z0-9_~.-]{31,}",
    r"doo_v1_|dor_v1_|dop_v1_": r"[A-Za-z0-9]{36,}",
    r"v1\.0-[a-f0-9]{24}-": r"[a-f0-9]{100,}",
    r"cfut_|cfat_|cfk_": r"[A-Za-z0-9_-]{36,}",
    r"vcp_|vck_|vci_|vca_|vcr_|sbp_|sb_secret_|sb_publishable_": r"[A-Za-z0-9_-]{20,}",
    r"fo1_|fm1a_|fm1r_|fm2_": r"[A-Za-z0-9+/_,=-]{40,}",
    r"FlyV1[ +]": r"[A-Za-z0-9+/_,=-]{16,}",
    r"HRKU-": r"[A-Za-z0-9_-]{30,}",
    r"pscale_tkn_|pscale_pw_|pscale_oauth_": r"[A-Za-z0-9_=.-]{32,}",
    r"SK": r"[0-9a-f]{32}(?![A-Za-z0-9])",
    rf"{_APART}4b1d": r"[A-Za-z0-9]{38}(?![A-Za-z0-9])",
    r"tskey-[a-z]{2,12}-": r"[A-Za-z0-9-]{16,}",
    # places of code, and its tools
    r"ghp_|gho_|ghu_|ghs_|ghr_|github_pat_": r"[A-Za-z0-9_]{22,}",
    r"glpat-|glcbt-|gldt-|glffct-|glft-|glimt-|glagent-|gloas-|glptt-|glrt-|glsoat-|GR1348941": r"[A-Za-z0-9_.-]{20,}",
    r"_gitlab_session=": r"[0-9a-z]{32}",
    r"ATATT3|ATCTT3": r"[A-Za-z0-9_=-]{40,}",
    r"ATBB": r"[A-Za-z0-9]{24,}",
    r"pypi-": r"[A-Za-z0-9_-]{40,}",
    r"rubygems_|pul-|sqp_|squ_|sqa_|sgp_": r"[A-Za-z0-9_]{40,}",
    r"CLOJARS_|rdme_": r"[a-z0-9]{60,}",
    r"oy2": r"[a-z0-9]{43}(?![A-Za-z0-9])",
    rf"AKCp|cmVmdGtu|EZAK|EZTK|{_APART}EAA[A-Z]": r"[A-Za-z0-9]{50,}",
    rf"{_APART}EAAA": r"[A-Za-z0-9_-]{22,}",
    r"API-": r"[A-Z0-9]{26}(?![A-Za-z0-9])",
    r"CCIPAT_|CCIPRJ_": r"[A-Za-z0-9_]{30,}",
    r"sntrys_|sntryu_|sntryi_|sntrya_": r"[A-Za-z0-9+/=_]{30,}",
    r"glsa_|glc_": r"[A-Za-z0-9+/=_]{32,}",
    r"NRAK-|NRII-|NRJS-|NRRA-": r"[A-Za-z0-9-]{19,}",
    r"dt0[a-z][0-9]{2}\.": r"[A-Za-z0-9]{24}\.[A-Za-z0-9]{60,}",
    r"PMAK-": r"[a-f0-9]{24}-[a-f0-9]{34}",
    r"lin_api_|lin_oauth_|ntn_": r"[A-Za-z0-9]{30,}",
    r"secret_": r"[A-Za-z0-9]{43}(?![A-Za-z0-9])",
    r"hvs\.|hvb\.|hvr\.": r"[A-Za-z0-9_-]{24,}",
    r"s\.": r"[A-Za-z0-9]{24}(?![A-Za-z0-9(]|\.[A-Za-z])",
    r"[A-Za-z0-9]{14}\.atlasv1\.": r"[A-Za-z0-9_=-]{60,}",
    r"dp\.[a-z]{2,5}\.": r"[A-Za-z0-9._-]{40,}",
    r"ops_eyJ": r"[A-Za-z0-9+/=_-]{60,}",
    r"A3-[A-Z0-9]{6}-": r"[A-Z0-9-]{20,}",
    r"AGE-SECRET-KEY-1|AGE-PLUGIN-[A-Z0-9]{2,20}-1": r"[A-Z0-9]{40,}",
    r"sha256~": r"[A-Za-z0-9_-]{43}",
    r"pat\.[A-Za-z0-9_-]{22}\.|sat\.[A-Za-z0-9_-]{22}\.": r"[A-Za-z0-9]{20,}\.[A-Za-z0-9]{16,}",
    r"[a-z]{2,8}_[A-Za-z0-9]{5,30}\.[A-Za-z0-9]{4,6}\.acc[_-]": r"[A-Za-z0-9-]{10,32}\.[A-Za-z0-9+/_=-]{30,}",
    r"dnkey-": r"[A-Za-z0-9=_-]{60,}",
    r"s-s4t2ud-|s-s4t2af-": r"[a-f0-9]{64}",
    # messages, shops, payment
    r"xox[abeoprs]-|xapp-|xoxe\.xox[bp]-": r"[A-Za-z0-9-]{10,}",
    r"hooks\.slack\.com/services/|hooks\.slack\.com/workflows/|hooks\.slack\.com/triggers/": r"[A-Za-z0-9+/]{24,}",
    r"\.webhook\.office\.com/webhookb2/": r"[A-Za-z0-9@/-]{40,}",
    r"discord\.com/api/webhooks/|discordapp\.com/api/webhooks/": r"[0-9]{10,20}/[A-Za-z0-9_-]{40,}",
    r"[0-9]{8,10}:AA": r"[A-Za-z0-9_-]{32,}",
    r"SG\.": r"[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}",
    r"xkeysib-|xsmtpsib-": r"[A-Za-z0-9-]{60,}",
    r"mlsn\.": r"[a-f0-9]{60,}",
    r"re_": r"[A-Za-z0-9]{6,10}_[A-Za-z0-9]{20,}",
    r"key-": r"[a-f0-9]{32}(?![A-Za-z0-9])",
    r"shpat_|shpca_|shppa_|shpss_|shpua_": r"[a-fA-F0-9]{32}",
    r"sq0[a-z]{3}-": r"[A-Za-z0-9_-]{22,}",
    r"shippo_live_|shippo_test_": r"[a-fA-F0-9]{40}",
    r"duffel_live_|duffel_test_": r"[A-Za-z0-9_=-]{40,}",
    r"FLWSECK_TEST-|FLWPUBK_TEST-|FLWSECK-|FLWPUBK-": r"[A-Za-z0-9]{12,}",
    r"rzp_live_|rzp_test_": r"[A-Za-z0-9]{14,}",
    r"access-sandbox-|access-development-|access-production-": r"[0-9a-f]{8}-[0-9a-f-]{27}",
    r"sm_aat_|sm_pat_|sm_sat_": r"[A-Za-z0-9]{16}",
    r"p8e-": r"[A-Za-z0-9]{32}",
    r"fio-u-": r"[A-Za-z0-9_=-]{60,}",
    r"CFPAT-": r"[A-Za-z0-9_-]{40,}",
    r"pat-[a-z]{2}[0-9]-": r"[0-9a-f]{8}-[0-9a-f-]{27}",
    r"pat[A-Za-z0-9]{14}\.": r"[a-f0-9]{64}",
    r"tk-us-": r"[A-Za-z0-9_-]{48}",
    r"sl\.": r"[A-Za-z0-9_=-]{100,}",
    r"pk\.eyJ|sk\.eyJ|tk\.eyJ": r"[A-Za-z0-9._-]{40,}",
    r"v[1-4]\.local\.|v[1-4]\.public\.": r"[A-Za-z0-9_.-]{40,}",
    # positions
    r"sig=": r"[A-Za-z0-9%+/=_-]{32,}",
    r"(?i:bearer)[ \t+]{1,3}": r"[A-Za-z0-9._~+/=-]{16,}",
    r"[Bb]asic[ +]": r"[A-Za-z0-9+/=]{16,}",
}
CERTAIN = r"sk-(?:proj-|ant-|or-v1-|svcacct-|admin-|lf-)"
"""Prefixes too specific to occur by chance, so a letter may precede them."""
ENDINGS = (
    (("_mmk",), r"(?<![A-Za-z0-9])[A-Za-z0-9]{6}_[A-Za-z0-9]{29}_mmk(?![A-Za-z0-9])"),
    (("-us",), r"(?<![A-Za-z0-9])[a-f0-9]{32}-us[0-9]{1,2}(?![A-Za-z0-9])"),
)
"""Forms whose mark stands at their end."""
WORDY = r"[sp]k[-_]|sess-|ek_|fw_|csk-|tvly-|(?i:bearer)|ph[csx]_|rnd_|co-|pa-|fc-|API-|xoxo-"
"""Prefixes that ordinary words have as well: what follows must look like a key."""
MIXED = r"s\.|EAA[A-Z]|YC|4b1d|secret_|LTAI|re_|4/0A|ABSK|AKCp|ATBB"
"""Prefixes so short that small letters, capitals and digits must all follow."""
