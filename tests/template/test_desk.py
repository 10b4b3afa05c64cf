"""The desk: one origin for page and API, strict headers, and files that only deployments write."""

from typing import Any

import pytest

from tests.template.application import BUCKETS, RESOURCES, TEMPLATE, deployed_resources

OWN_ISSUER = {"IdentityIssuer": "https://login.example.com/tenant", "IdentityAudience": "api://claimwatch"}
DOMAIN = {"DeskDomain": "desk.example.com", "DeskCertificateArn": "arn:aws:acm:us-east-1:1:certificate/a"}

CACHING_DISABLED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
CACHING_OPTIMIZED = "658327ea-f89d-4fab-a63d-7e88639e58f6"
ALL_VIEWER_EXCEPT_HOST = "b689b0a8-53d0-40ab-baf2-68738e2966ac"
"""Ids of CloudFront's own policies."""


def distribution(**parameters: str) -> dict[str, Any]:
    config: dict[str, Any] = deployed_resources(**parameters)["DeskDistribution"]["Properties"][
        "DistributionConfig"
    ]
    return config


def behaviors(**parameters: str) -> dict[str, dict[str, Any]]:
    config = distribution(**parameters)
    return {"": config["DefaultCacheBehavior"]} | {
        each["PathPattern"]: each for each in config["CacheBehaviors"]
    }


def policy(**parameters: str) -> dict[str, set[str]]:
    """The content security policy: sources by directive, with conditions of the template decided."""
    headers = deployed_resources(**parameters)["DeskHeaders"]["Properties"]["ResponseHeadersPolicyConfig"]
    text, values = headers["SecurityHeadersConfig"]["ContentSecurityPolicy"]["ContentSecurityPolicy"][
        "Fn::Sub"
    ]
    assert values["SignIn"] == {"Ref": "SignInOrigin"}
    text = text.replace("${SignIn}", parameters["SignInOrigin"])
    return {
        words[0]: set(words[1:])
        for directive in text.split(";")
        if (words := directive.strip().split(" ", 9))
    }


def test_nothing_runs_in_the_page_but_its_own_files() -> None:
    directives = policy(SignInOrigin="https://sign-in.example.com")
    assert directives == {
        "default-src": {"'none'"},
        "script-src": {"'self'"},
        "style-src": {"'self'"},
        "img-src": {"'self'", "blob:", "data:"},
        "font-src": {"'self'"},
        "connect-src": {"'self'", "https://sign-in.example.com"},
        "frame-src": {"'self'", "blob:"},
        "base-uri": {"'none'"},
        "form-action": {"'none'"},
        "frame-ancestors": {"'none'"},
    }


def test_the_page_may_ask_the_sign_in_and_nobody_else() -> None:
    """An issuer of the insurer is asked for its addresses, and possibly for tokens at another origin."""
    headers = RESOURCES["DeskHeaders"]["Properties"]["ResponseHeadersPolicyConfig"]
    _, values = headers["SecurityHeadersConfig"]["ContentSecurityPolicy"]["ContentSecurityPolicy"]["Fn::Sub"]
    _, pool, own = values["SignIn"]["Fn::If"]
    assert pool["Fn::If"][2] == {"Fn::Sub": "https://${UserPoolDomain}.auth.${AWS::Region}.amazoncognito.com"}
    issuer, more = own["Fn::Join"][1]
    assert issuer == {
        "Fn::Sub": [
            "https://${Host}",
            {"Host": {"Fn::Select": [2, {"Fn::Split": ["/", {"Ref": "IdentityIssuer"}]}]}},
        ]
    }
    assert more == {"Ref": "SignInOrigin"}


def test_every_answer_has_the_security_headers() -> None:
    assert {each["ResponseHeadersPolicyId"]["Ref"] for each in behaviors().values()} == {"DeskHeaders"}
    headers = RESOURCES["DeskHeaders"]["Properties"]["ResponseHeadersPolicyConfig"]
    security = headers["SecurityHeadersConfig"]
    assert all(header["Override"] is True for header in security.values())
    assert all(header["Override"] is True for header in headers["CustomHeadersConfig"]["Items"])
    assert security["ReferrerPolicy"]["ReferrerPolicy"] == "no-referrer"
    assert security["FrameOptions"]["FrameOption"] == "DENY"
    assert security["StrictTransportSecurity"]["AccessControlMaxAgeSec"] >= 31536000


@pytest.mark.parametrize("path", ["/app/*", "/v1/*"])
def test_requests_for_data_reach_the_api_and_are_never_cached(path: str) -> None:
    behavior = behaviors()[path]
    assert behavior["TargetOriginId"] == "api"
    assert behavior["CachePolicyId"] == CACHING_DISABLED
    # API Gateway refuses the host of the distribution; the token must reach it.
    assert behavior["OriginRequestPolicyId"] == ALL_VIEWER_EXCEPT_HOST
    assert behavior["ViewerProtocolPolicy"] == "https-only"
    assert {"GET", "POST"} <= set(behavior["AllowedMethods"])


def test_only_files_with_a_hash_in_their_name_are_cached() -> None:
    files = {path: each for path, each in behaviors().items() if each["TargetOriginId"] == "files"}
    assert {path: each["CachePolicyId"] for path, each in files.items()} == {
        "": CACHING_DISABLED,  # any other policy keeps a page that says `no-store` for a second or longer
        "/assets/*": CACHING_OPTIMIZED,
    }
    assert files["/assets/*"]["Compress"] is True
    assert all(each["ViewerProtocolPolicy"] == "redirect-to-https" for each in files.values())
    assert all(set(each["AllowedMethods"]) == {"GET", "HEAD"} for each in files.values())


def test_the_files_are_read_by_the_own_distribution_only_and_the_record_by_nobody() -> None:
    statements = {
        each["Sid"]: each
        for each in RESOURCES["DeskBucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    }
    allowed = [each for each in statements.values() if each["Effect"] == "Allow"]
    assert [each["Sid"] for each in allowed] == ["OwnDistributionReads"]
    [reads] = allowed
    assert reads["Principal"] == {"Service": "cloudfront.amazonaws.com"}
    assert reads["Action"] == "s3:GetObject"
    assert reads["Resource"] == {"Fn::Sub": "${DeskBucket.Arn}/site/*"}
    source = reads["Condition"]["StringEquals"]["aws:SourceArn"]["Fn::Sub"]
    assert source.endswith(":distribution/${DeskDistribution}")
    assert distribution()["Origins"][0]["OriginPath"] == "/site"
    assert RESOURCES["DeskAccess"]["Properties"]["OriginAccessControlConfig"]["SigningBehavior"] == "always"


def test_nobody_but_a_deployment_writes_what_runs_in_browsers() -> None:
    statements = RESOURCES["DeskBucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    [denied] = [each for each in statements if each["Sid"] == "OnlyDeploymentsWriteTheDesk"]
    assert (denied["Effect"], denied["Principal"], denied["Action"]) == ("Deny", "*", "s3:PutObject")
    assert denied["Condition"] == {
        "ArnNotEquals": {"aws:PrincipalArn": {"Fn::GetAtt": ["PublishDeskRole", "Arn"]}}
    }


def test_the_bucket_goes_with_the_stack_and_is_emptied_first() -> None:
    assert RESOURCES["DeskBucket"]["DeletionPolicy"] == "Delete"
    assert "VersioningConfiguration" not in BUCKETS["DeskBucket"]
    assert RESOURCES["Desk"]["DependsOn"] == ["DeskBucketPolicy"]


def test_a_domain_of_the_insurer_has_its_certificate_and_a_current_tls() -> None:
    assert distribution()["ViewerCertificate"] == {"CloudFrontDefaultCertificate": True}
    assert "Aliases" not in distribution()
    named = distribution(**DOMAIN)
    assert named["Aliases"] == [{"Ref": "DeskDomain"}]
    assert named["ViewerCertificate"] == {
        "AcmCertificateArn": {"Ref": "DeskCertificateArn"},
        "SslSupportMethod": "sni-only",
        "MinimumProtocolVersion": "TLSv1.2_2021",
    }
    api = {each["Id"]: each for each in named["Origins"]}["api"]["CustomOriginConfig"]
    assert (api["OriginProtocolPolicy"], api["OriginSSLProtocols"]) == ("https-only", ["TLSv1.2"])
    assert api["OriginReadTimeout"] > 30  # API Gateway's own limit: its answer arrives


@pytest.mark.parametrize(
    ("parameters", "domain"),
    [({}, {"Fn::GetAtt": ["DeskDistribution", "DomainName"]}), (DOMAIN, {"Ref": "DeskDomain"})],
    ids=["cloudfront", "own domain"],
)
def test_the_sign_in_page_may_return_to_the_desk(parameters: dict[str, str], domain: dict[str, Any]) -> None:
    client = deployed_resources(**parameters)["UserPoolClient"]["Properties"]
    separator, joined = client["CallbackURLs"]["Fn::Split"]
    text, values = joined["Fn::Sub"]
    assert (separator, text) == (",", "${Given},https://${Desk}/")
    assert values == {"Given": {"Fn::Join": [",", {"Ref": "SignInCallbackUrls"}]}, "Desk": domain}
    assert client["LogoutURLs"] == client["CallbackURLs"]


def test_the_page_learns_who_signs_people_in() -> None:
    pool = deployed_resources()["Desk"]["Properties"]
    assert pool["ClientId"] == {"Ref": "UserPoolClient"}
    assert (
        pool["Issuer"] == deployed_resources()["PeopleAuthorizer"]["Properties"]["JwtConfiguration"]["Issuer"]
    )
    own = deployed_resources(**OWN_ISSUER)["Desk"]["Properties"]
    assert own["Issuer"] == {"Ref": "IdentityIssuer"}
    assert own["ClientId"] == {"Fn::Select": [0, {"Ref": "IdentityAudience"}]}
    assert own["SignIn"] == ""
    named = deployed_resources(**OWN_ISSUER, DeskClientId="desk")["Desk"]["Properties"]
    assert named["ClientId"] == {"Ref": "DeskClientId"}


def test_a_deployment_with_other_files_or_code_publishes_them() -> None:
    properties = RESOURCES["Desk"]["Properties"]
    assert properties["DeskLayer"] == {"Ref": "DeskLayer"}
    assert properties["CoreLayer"] == {"Ref": "CoreLayer"}
    assert TEMPLATE["Outputs"]["DeskBucket"]["Value"] == {"Ref": "DeskBucket"}
