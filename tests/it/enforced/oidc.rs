//! AssumeRoleWithOIDC: only the token of an issuer that the account trusts proves who the caller is.

use std::sync::OnceLock;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rsa::PrivateKey;
use rsa::traits::PublicKeyParts;
use serde_json::{Value, json};
use sesame::testing::ports::{Entropy, SeededEntropy};
use sesame::testing::server::AuthMode;
use sha2::{Sha256, Sha384, Sha512};

use super::sessions::{ASSUME, role, role_arn, team};
use super::{PARTNER, Refused, Signer, TEAM, allow, arn, no_permission, policy, put};
use crate::support::{Answer, NOW, Options, Server, form, refusal, text};

const ISSUER: &str = "https://issuer.example/realm";

/// A key of the issuer, and a key of someone else.
fn keys() -> &'static [PrivateKey; 2] {
    static KEYS: OnceLock<[PrivateKey; 2]> = OnceLock::new();
    KEYS.get_or_init(|| {
        [1, 2].map(|seed| PrivateKey::new(&mut *SeededEntropy::new(seed).rng(), 2048).unwrap())
    })
}

fn base64(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn jwk(kid: &str, key: &PrivateKey) -> Value {
    let (n, e) = (key.n().to_be_bytes(), key.e().to_be_bytes());
    json!({"kty": "RSA", "use": "sig", "kid": kid, "n": base64(&n), "e": base64(&e)})
}

fn seconds() -> i64 {
    NOW.as_millis() / 1_000
}

/// The claims of a valid token.
fn claims() -> Value {
    let now = seconds();
    json!({"iss": ISSUER, "sub": "system:job", "aud": "sesame", "iat": now - 60, "exp": now + 600})
}

/// The same with other members; null removes one.
fn but(changes: &Value) -> Value {
    let mut claims = claims();
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(name);
        }
    }
    claims
}

fn signed(header: &Value, claims: &Value, key: &PrivateKey) -> String {
    let text = format!("{}.{}", base64(header.to_string().as_bytes()), base64(claims.to_string().as_bytes()));
    let signature = match header["alg"].as_str() {
        Some("RS384") => key.pkcs1v15_sign::<Sha384>(text.as_bytes()),
        Some("RS512") => key.pkcs1v15_sign::<Sha512>(text.as_bytes()),
        _ => key.pkcs1v15_sign::<Sha256>(text.as_bytes()),
    };
    format!("{text}.{}", base64(&signature.unwrap()))
}

/// A token of the issuer.
fn token(claims: &Value) -> String {
    signed(&json!({"alg": "RS256", "typ": "JWT", "kid": "one"}), claims, &keys()[0])
}

fn provider_arn(name: &str) -> String {
    format!("acs:ram::{TEAM}:oidc-provider/{name}")
}

/// A statement of a trust policy for bearers of tokens.
fn federated(condition: &Value) -> Value {
    let principal = json!({"Federated": [provider_arn("idp")]});
    json!({"Effect": "Allow", "Action": ASSUME, "Principal": principal, "Condition": condition})
}

fn trusting() -> Value {
    federated(
        &json!({"StringEquals": {"oidc:iss": ISSUER, "oidc:aud": ["sesame"], "oidc:sub": "system:job"}}),
    )
}

/// The team with the provider `idp` and the role `app`, which trusts it.
fn account(trust: &Value) -> Value {
    let mut account = team(&[], &[role("app", std::slice::from_ref(trust))]);
    account["oidc_providers"] = json!([{
        "name": "idp", "issuer": ISSUER, "client_ids": ["sesame", "second"],
        "jwks": {"keys": [{"kty": "EC", "kid": "ec"}, jwk("one", &keys()[0])]},
    }]);
    account
}

async fn start(mode: AuthMode) -> Server {
    let server = Server::with(Options { mode, ..Options::default() }).await;
    put(&server, &account(&trusting())).await;
    Signer::of(TEAM).create(&server, "s", &[]).await;
    server
}

/// Calls without a signature, as SDKs do.
async fn unsigned(server: &Server, parameters: &[(&str, &str)]) -> Answer {
    let time = server.app.clock().now().to_string();
    let system = [("Action", "AssumeRoleWithOIDC"), ("Version", "2015-04-01"), ("Timestamp", &*time)];
    let headers = [("Content-Type", "application/x-www-form-urlencoded")];
    server.send("POST", "/", &headers, form(&[&system[..], parameters].concat()).as_bytes()).await
}

/// Assumes the role `app` with a token.
async fn assume(server: &Server, token: &str, more: &[(&str, &str)]) -> Answer {
    let (role, provider) = (role_arn(TEAM, "app"), provider_arn("idp"));
    let mut parameters = vec![
        ("OIDCProviderArn", provider.as_str()),
        ("RoleArn", &role),
        ("OIDCToken", token),
        ("RoleSessionName", "job"),
    ];
    parameters.retain(|(name, _)| !more.iter().any(|(other, _)| other == name));
    parameters.extend(more);
    unsigned(server, &parameters).await
}

fn fails(code: &str, message: &str) -> Refused {
    refusal(401, &format!("AuthenticationFail.{code}"), message)
}

fn invalid(message: &str) -> Refused {
    fails("OIDCToken.Invalid", message)
}

fn expired() -> Refused {
    fails("OIDCToken.Expired", "This JsonWebToken is expired.")
}

fn no_provider() -> Refused {
    fails("NoPermission", "No such OIDC Provider registered.")
}

fn not_trusted() -> Refused {
    fails("NoPermission", "There is no permission")
}

#[tokio::test]
async fn the_bearer_of_a_token_gets_the_roles_rights_in_every_mode() {
    for mode in [AuthMode::Open, AuthMode::Signed, AuthMode::Enforced] {
        let server = start(mode).await;
        let answer = assume(&server, &token(&claims()), &[]).await.ok();
        assert_eq!(answer["AssumedRoleUser"]["Arn"], format!("acs:ram::{TEAM}:role/app/job"));
        assert_eq!(answer["Credentials"]["Expiration"], "2026-11-24T04:30:00Z");
        let info = json!({
            "Subject": "system:job", "Issuer": ISSUER, "ClientIds": "sesame", "VerificationInfo": "Success",
            "IssuanceTime": "2026-11-24T03:29:00Z", "ExpirationTime": "2026-11-24T03:40:00Z",
        });
        assert_eq!(answer["OIDCTokenInfo"], info);
        let job = Signer::in_role(&answer);
        assert_eq!(job.read(&server, "s").await.ok()["SecretData"], "one");
        let asked = job.sts(&server, "GetCallerIdentity", &[]).await.ok();
        assert_eq!(asked["Arn"], format!("acs:ram::{TEAM}:assumed-role/app/job"));
        assert_eq!(asked["PrincipalId"], answer["AssumedRoleUser"]["AssumedRoleId"]);
        if mode == AuthMode::Enforced {
            assert_eq!(job.refused(&server, "ListSecrets", &[]).await, no_permission(&arn(TEAM, "secret")));
        }
        // An invalid token is accepted in no mode.
        let other = signed(&json!({"alg": "RS256", "kid": "one"}), &claims(), &keys()[1]);
        assert_eq!(assume(&server, &other, &[]).await.status, 401, "{mode:?}");
    }
}

#[tokio::test]
async fn valid_tokens_of_many_forms_are_accepted() {
    let server = start(AuthMode::Enforced).await;
    let now = seconds();
    for changes in [
        json!({"aud": ["other", "sesame"]}),
        json!({"aud": ["sesame", "second"], "extra": {"deep": [1]}}),
        json!({"exp": now + 1, "nbf": now}),
        json!({"iat": now - 12 * 3_600}),
        json!({"exp": i64::MAX}),
        // An issuer's clock that is slightly ahead.
        json!({"iat": now + 60, "nbf": now + 60}),
    ] {
        let answer = assume(&server, &token(&but(&changes)), &[]).await;
        assert_eq!(answer.status, 200, "{changes}: {}", answer.body);
    }
    for header in [
        json!({"alg": "RS384", "kid": "one"}),
        json!({"alg": "RS512", "kid": "one", "typ": "at+jwt"}),
        // Without a key id any key of the issuer is tried.
        json!({"alg": "RS256"}),
    ] {
        assume(&server, &signed(&header, &claims(), &keys()[0]), &[]).await.ok();
    }
    // As it is read from a file.
    assume(&server, &format!("{}\n", token(&claims())), &[]).await.ok();
    let several = assume(&server, &token(&but(&json!({"aud": ["sesame", "second"]}))), &[]).await.ok();
    assert_eq!(several["OIDCTokenInfo"]["ClientIds"], "sesame,second");
    // The Java library names a signature method and version, and does not sign.
    let method = [("SignatureMethod", "HMAC-SHA1"), ("SignatureVersion", "1.0"), ("SignatureNonce", "n")];
    assume(&server, &token(&claims()), &method).await.ok();
    let xml = assume(&server, &token(&claims()), &[("Format", "XML")]).await.body;
    assert!(
        xml.contains("<AssumeRoleWithOIDCResponse>") && xml.contains("<OIDCTokenInfo><Subject>"),
        "{xml}"
    );
}

#[tokio::test]
async fn a_malformed_token_is_refused_with_the_reason() {
    let server = start(AuthMode::Enforced).await;
    let parts = "The number of Jwt field should be divided into 3 parts with '.' .";
    let encoding = "Cannot decode base64 encoded response(format invalided).";
    let content = "The Jwt content is invalid that cannot be recognized.";
    let algorithm = |name: &str| format!("The algorithm {name} that be specified in Jwt header is unknown.");
    let good = token(&claims());
    let with_header = |header: &Value| signed(header, &claims(), &keys()[0]);
    let critical =
        |extensions: &Value| with_header(&json!({"alg": "RS256", "kid": "one", "crit": extensions}));
    let claims_text = |text: &str| {
        let pieces: Vec<&str> = good.split('.').collect();
        format!("{}.{}.{}", pieces[0], base64(text.as_bytes()), pieces[2])
    };
    let unsigned = format!("{}.", good.rsplit_once('.').unwrap().0);
    let rows: Vec<(&str, String, Refused)> = vec![
        ("none", String::new(), invalid("The OIDCToken can not empty.")),
        ("blank", " \n".to_owned(), invalid("The OIDCToken can not empty.")),
        ("one part", "abc".to_owned(), invalid(parts)),
        ("two parts", good.rsplit_once('.').unwrap().0.to_owned(), invalid(parts)),
        ("four parts", format!("{good}.AAAA"), invalid(parts)),
        ("no base64", format!("!{good}"), invalid(encoding)),
        ("a header that is no JSON", format!("{}.e30.AAAA", base64(b"x")), invalid(content)),
        ("symmetric", with_header(&json!({"alg": "HS256"})), invalid(&algorithm("HS256"))),
        ("not signed", with_header(&json!({"alg": "none"})), invalid(&algorithm("none"))),
        ("elliptic", with_header(&json!({"alg": "ES256", "kid": "ec"})), invalid(&algorithm("ES256"))),
        ("markup", with_header(&json!({"alg": "<b>x"})), invalid(&algorithm("bx"))),
        ("an extension that we do not know", critical(&json!(["exp"])), invalid(content)),
        ("unencoded claims", critical(&json!(["b64"])), invalid(content)),
        ("an empty list of extensions", critical(&json!([])), invalid(content)),
        ("no list of extensions", critical(&json!(null)), invalid(content)),
        ("claims that are no JSON", claims_text("x"), invalid(content)),
        ("claims in a list", claims_text("[]"), invalid(content)),
        ("no subject", token(&but(&json!({"sub": null}))), invalid(content)),
        ("no end", token(&but(&json!({"exp": null}))), invalid(content)),
        ("an end in words", token(&but(&json!({"exp": "tomorrow"}))), invalid(content)),
        (
            "no signature",
            unsigned,
            fails("OIDCToken.InvalidSignature", "OIDC token validate failed: invalid signature."),
        ),
    ];
    for (name, token, wanted) in &rows {
        assert_eq!(&assume(&server, token, &[]).await.refused(), wanted, "{name}");
    }
    // The form is checked before the issuer is looked up.
    let nowhere = provider_arn("nowhere");
    for (name, token, wanted) in &rows[..rows.len() - 1] {
        let answer = assume(&server, token, &[("OIDCProviderArn", &nowhere)]).await.refused();
        assert_eq!(&answer, wanted, "{name}, unknown issuer");
    }
}

#[tokio::test]
async fn a_token_must_have_the_right_issuer_audience_and_time() {
    let server = start(AuthMode::Enforced).await;
    let now = seconds();
    let signature = fails("OIDCToken.InvalidSignature", "OIDC token validate failed: invalid signature.");
    let issuer = fails(
        "OIDCToken.IssuerNotMatch",
        "The issuer in the OIDC Token doesn't match the OIDC Provider registered.",
    );
    let audience = fails("OIDCToken.AudienceNotMatch", "Invalid audience.");
    let header = json!({"alg": "RS256", "kid": "one"});
    let good = token(&claims());
    let (content, _) = good.rsplit_once('.').unwrap();
    let altered = format!(
        "{}.{}.{}",
        good.split('.').next().unwrap(),
        base64(but(&json!({"sub": "system:root"})).to_string().as_bytes()),
        good.rsplit('.').next().unwrap()
    );
    let other_hash = signed(&json!({"alg": "RS384", "kid": "one"}), &claims(), &keys()[0]);
    let mixed = format!("{content}.{}", other_hash.rsplit('.').next().unwrap());
    let rows: Vec<(&str, String, &Refused)> = vec![
        ("of somebody else's key", signed(&header, &claims(), &keys()[1]), &signature),
        ("with other claims", altered, &signature),
        ("of another hash", mixed, &signature),
        ("of another issuer", token(&but(&json!({"iss": "https://issuer.example"}))), &issuer),
        ("for somebody else", token(&but(&json!({"aud": "other"}))), &audience),
        ("for nobody", token(&but(&json!({"aud": []}))), &audience),
        // The issuer is checked before the signature, and the signature before the audience.
        (
            "of another issuer and key",
            signed(&header, &but(&json!({"iss": "https://x"})), &keys()[1]),
            &issuer,
        ),
        (
            "for somebody else by another key",
            signed(&header, &but(&json!({"aud": "x"})), &keys()[1]),
            &signature,
        ),
    ];
    for (name, token, wanted) in rows {
        assert_eq!(&assume(&server, &token, &[]).await.refused(), wanted, "{name}");
    }
    for changes in [
        json!({"exp": now}),
        json!({"exp": now - 1}),
        json!({"exp": 0}),
        json!({"iat": now - 12 * 3_600 - 1}),
        json!({"iat": now + 61}),
        json!({"nbf": now + 61}),
        json!({"exp": now, "aud": "other"}),
    ] {
        assert_eq!(assume(&server, &token(&but(&changes)), &[]).await.refused(), expired(), "{changes}");
    }
    // A key that the issuer does not have.
    let unknown = signed(&json!({"alg": "RS256", "kid": "two"}), &claims(), &keys()[0]);
    let refused = assume(&server, &unknown, &[]).await.refused();
    let message = format!("Get public keys from OIDC Provider failed, the issuer is {ISSUER}.");
    assert_eq!(refused, fails("OIDCToken.IssuerConfigurationBroken", &message));
    // By the server's clock.
    assume(&server, &good, &[]).await.ok();
    server.clock.advance(600_000);
    assert_eq!(assume(&server, &good, &[]).await.refused(), expired());
}

#[tokio::test]
async fn a_token_without_a_key_id_may_be_signed_by_any_key_of_the_issuer() {
    let server = start(AuthMode::Enforced).await;
    let mut two = account(&trusting());
    two["oidc_providers"][0]["jwks"]["keys"] = json!([jwk("new", &keys()[1]), jwk("one", &keys()[0])]);
    put(&server, &two).await;
    for key in &keys()[..2] {
        assume(&server, &signed(&json!({"alg": "RS256"}), &claims(), key), &[]).await.ok();
    }
    let wrong = signed(&json!({"alg": "RS256", "kid": "new"}), &claims(), &keys()[0]);
    assert_eq!(assume(&server, &wrong, &[]).await.status, 401);
}

#[tokio::test]
async fn a_provider_says_how_old_tokens_may_be() {
    let server = start(AuthMode::Enforced).await;
    let mut hasty = account(&trusting());
    hasty["oidc_providers"][0]["issuance_limit_hours"] = json!(1);
    put(&server, &hasty).await;
    let aged = |age: i64| token(&but(&json!({"iat": seconds() - age})));
    assume(&server, &aged(3_600), &[]).await.ok();
    assert_eq!(assume(&server, &aged(3_601), &[]).await.refused(), expired());
}

#[tokio::test]
async fn a_provider_and_a_role_must_be_there() {
    let server = start(AuthMode::Enforced).await;
    let good = token(&claims());
    let theirs = format!("acs:ram::{PARTNER}:oidc-provider/idp");
    for provider in [provider_arn("nowhere"), theirs, "idp".to_owned(), role_arn(TEAM, "app")] {
        let answer = assume(&server, &good, &[("OIDCProviderArn", &provider)]).await;
        assert_eq!(answer.refused(), no_provider(), "{provider}");
    }
    let absent = role_arn(TEAM, "absent");
    let unknown = refusal(404, "EntityNotExist.Role", &format!("The role not exists: {absent}. "));
    assert_eq!(assume(&server, &good, &[("RoleArn", &absent)]).await.refused(), unknown);
    // Without a valid token the answer does not reveal which roles exist.
    let other = signed(&json!({"alg": "RS256", "kid": "one"}), &claims(), &keys()[1]);
    assert_eq!(assume(&server, &other, &[("RoleArn", &absent)]).await.status, 401);
    for (name, value) in [("RoleArn", "app"), ("RoleSessionName", "x"), ("DurationSeconds", "3601")] {
        let answer = assume(&server, &good, &[(name, value)]).await.refused();
        assert_eq!((answer.0, answer.1), (400, format!("InvalidParameter.{name}")));
    }
    for name in ["OIDCProviderArn", "RoleArn", "RoleSessionName"] {
        let missing =
            refusal(400, &format!("Missing{name}"), &format!("{name} is mandatory for this action."));
        assert_eq!(assume(&server, &good, &[(name, "")]).await.refused(), missing);
    }
}

#[tokio::test]
async fn a_role_trusts_only_the_bearers_that_its_policy_names() {
    let server = start(AuthMode::Enforced).await;
    let good = token(&claims());
    let equals = |name: &str, value: &str| federated(&json!({"StringEquals": {name: value}}));
    let mut other_provider = trusting();
    other_provider["Principal"] = json!({"Federated": provider_arn("other")});
    let mut denying = trusting();
    denying["Effect"] = json!("Deny");
    for (trust, trusted) in [
        (equals("oidc:sub", "system:job"), true),
        (equals("oidc:sub", "system:other"), false),
        (equals("oidc:aud", "sesame"), true),
        (equals("oidc:aud", "second"), false),
        (equals("oidc:iss", "https://issuer.example"), false),
        (federated(&json!({"StringLike": {"oidc:sub": "system:*"}})), true),
        (federated(&json!({"StringLike": {"oidc:sub": "admin:*"}})), false),
        (other_provider, false),
        (denying, false),
        // Users of the account are not bearers of tokens.
        (super::sessions::trust("Allow", &format!("{TEAM}:root")), false),
    ] {
        put(&server, &account(&trust)).await;
        let answer = assume(&server, &good, &[]).await;
        if trusted {
            assert_eq!(answer.status, 200, "{trust}: {}", answer.body);
        } else {
            assert_eq!(answer.refused(), not_trusted(), "{trust}");
        }
    }
    // Bearers of tokens are not users either: trust in a provider admits no user.
    let mut account = account(&trusting());
    account["policies"]
        .as_array_mut()
        .unwrap()
        .push(json!({"name": "assume", "document": policy(&[allow(ASSUME, "*")])}));
    account["users"][0]["policies"].as_array_mut().unwrap().push(json!("assume"));
    put(&server, &account).await;
    let (ann, arn) = (Signer::of("ann"), role_arn(TEAM, "app"));
    let signed = [("RoleArn", arn.as_str()), ("RoleSessionName", "alice")];
    assert_eq!(ann.sts(&server, "AssumeRole", &signed).await.refused().1, "NoPermission");
}

#[tokio::test]
async fn a_bearers_session_can_be_narrowed_and_says_what_it_lacked() {
    let server = start(AuthMode::Enforced).await;
    let good = token(&claims());
    let narrow = policy(&[allow("kms:DescribeSecret", "*")]);
    let job = Signer::in_role(&assume(&server, &good, &[("Policy", &narrow)]).await.ok());
    assert_eq!(job.read(&server, "s").await.refused(), no_permission(&arn(TEAM, "secret/s")));
    // A signer who sends a token is not the caller: policies of the signer's session do not count.
    let (role, provider) = (role_arn(TEAM, "app"), provider_arn("idp"));
    let parameters = [
        ("OIDCProviderArn", provider.as_str()),
        ("RoleArn", &role),
        ("OIDCToken", &good),
        ("RoleSessionName", "job"),
    ];
    let again = Signer::in_role(&job.sts(&server, "AssumeRoleWithOIDC", &parameters).await.ok());
    again.read(&server, "s").await.ok();
    let refused = assume(&server, &good, &[("Policy", "{")]).await.refused();
    assert_eq!(refused.1, "InvalidParameter.PolicyGrammar");
    put(&server, &account(&federated(&json!({"StringEquals": {"oidc:sub": "x"}})))).await;
    let answer = assume(&server, &good, &[]).await;
    assert_eq!(answer.refused(), not_trusted());
    let answer: Value = serde_json::from_str(&answer.body).unwrap();
    let detail = &answer["AccessDeniedDetail"];
    for (name, value) in [
        ("AuthAction", ASSUME),
        ("PolicyType", "AssumeRolePolicy"),
        ("NoPermissionType", "ImplicitDeny"),
        ("AuthPrincipalType", "Federated"),
        ("AuthPrincipalOwnerId", TEAM),
    ] {
        assert_eq!(text(&detail[name]), value, "{detail}");
    }
}

#[tokio::test]
async fn each_refusal_of_a_token_says_why() {
    let server = start(AuthMode::Open).await;
    let header = |kid: &str| json!({"alg": "RS256", "kid": kid});
    let other = |changes: &Value| token(&but(changes));
    for (token, code, says) in [
        (
            other(&json!({"iss": "https://issuer.example"})),
            "IssuerNotMatch",
            "claim iss is not the provider's issuer",
        ),
        (
            signed(&header("two"), &claims(), &keys()[0]),
            "IssuerConfigurationBroken",
            "no key with the token's kid",
        ),
        (
            signed(&header("one"), &claims(), &keys()[1]),
            "InvalidSignature",
            "not made with a key of the provider",
        ),
        (other(&json!({"exp": seconds() - 1})), "Expired", "by the server's clock the token is over (exp)"),
        (
            other(&json!({"aud": "other"})),
            "AudienceNotMatch",
            "claim aud is not one of the provider's client_ids",
        ),
    ] {
        let answer = assume(&server, &token, &[]).await;
        assert_eq!(answer.refused().1, format!("AuthenticationFail.OIDCToken.{code}"));
        let reason = answer.header("x-sesame-reason").unwrap();
        assert!(reason.contains(says) && !reason.contains(&token[..20]), "{reason}");
    }
    let distrusted = assume(&server, &other(&json!({"sub": "system:other"})), &[]).await;
    assert_eq!(distrusted.refused(), not_trusted());
    let reason = distrusted.header("x-sesame-reason").unwrap();
    assert!(reason.contains("statement 0 of trust policy does not suffice: Condition"), "{reason}");
}
