//! Rule 14.12: the address decides the region; what errors say about it; what other host names of the cloud answer.

use serde_json::{Value, json};
use sesame::testing::server::AuthMode;

use crate::support::sign::{rpc_signature, rpc_system_of};
use crate::support::{Answer, NOW, Options, Server, form, invalid, missing, not_found, refusal, text};

const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");
const STS: &str = "2015-04-01";
const LOCATION: &str = "2015-06-12";

/// Calls an action of any product at a host.
async fn call(server: &Server, host: &str, version: &str, action: &str, more: &[(&str, &str)]) -> Answer {
    let body = form(&[&[("Action", action), ("Version", version)], more].concat());
    server.send("POST", "/", &[("Host", host), FORM], body.as_bytes()).await
}

/// The host that an error names.
fn host_id(answer: &Answer) -> String {
    let answer: Value = serde_json::from_str(&answer.body).unwrap();
    text(&answer["HostId"]).to_owned()
}

const OWN: &str = "cn-hangzhou";
const HOSTS: [(&str, &str); 33] = [
    ("kms.cn-beijing.aliyuncs.com", "cn-beijing"),
    ("kms-vpc.eu-central-1.aliyuncs.com:7070", "eu-central-1"),
    ("kms-intl.ap-southeast-1.aliyuncs.com", "ap-southeast-1"),
    ("sts.cn-shanghai.aliyuncs.com", "cn-shanghai"),
    ("sts-vpc.cn-shanghai.aliyuncs.com:443", "cn-shanghai"),
    ("http://kms.cn-beijing.aliyuncs.com", "cn-beijing"),
    ("https://kms.cn-beijing.aliyuncs.com:8443/", "cn-beijing"),
    ("KMS.CN-Beijing.AliyunCS.com", "cn-beijing"),
    ("kms.cn-beijing.aliyuncs.com.", "cn-beijing"),
    ("cn-beijing.localhost", "cn-beijing"),
    ("cn-beijing.localhost:7070", "cn-beijing"),
    ("kms.cn-beijing.localhost:7070", "cn-beijing"),
    ("sts.us-east-1.localhost", "us-east-1"),
    ("http://ap-northeast-2.localhost:8080", "ap-northeast-2"),
    ("cn-shanghai-finance-1.localhost", "cn-shanghai-finance-1"),
    // Everything else is the server's own.
    ("127.0.0.1", OWN),
    ("http://127.0.0.1:8080", OWN),
    ("[::1]:7070", OWN),
    ("localhost:7070", OWN),
    ("sesame", OWN),
    ("cn-beijing", OWN),
    ("sesame.default.svc", OWN),
    ("sesame.cn-beijing.svc", OWN),
    ("kms.aliyuncs.com", OWN),
    ("sts.aliyuncs.com", OWN),
    ("oss.cn-beijing.aliyuncs.com", OWN),
    ("kms.cn-beijing.example.com", OWN),
    ("kms.cn_beijing.aliyuncs.com", OWN),
    ("a.kms.cn-beijing.aliyuncs.com", OWN),
    ("app.localhost", OWN),
    ("my-app.localhost", OWN),
    ("kms.localhost", OWN),
    ("kms.my-app.localhost", OWN),
];

#[tokio::test]
async fn rule_14_12_the_address_decides_the_region() {
    let hosts = HOSTS.map(|(host, _)| host.rsplit("://").next().unwrap().trim_end_matches('/'));
    let names: Vec<&str> =
        hosts.iter().filter_map(|host| host.split(':').next()).filter(|n| n.contains('.')).collect();
    let allowed: Vec<&str> =
        names.into_iter().filter(|name| name.parse::<sesame::testing::tls::TlsName>().is_ok()).collect();
    let server = Server::with(Options { allowed_hosts: &allowed, ..Options::default() }).await;
    for (host, region) in HOSTS {
        // Neither the parameter nor anything else changes it.
        for more in
            [&[][..], &[("RegionId", "cn-qingdao")], &[("RegionId", "no region!")], &[("RegionId", "")]]
        {
            let made = server.call_at(host, "CreateKey", more).await.ok();
            let arn = text(&made["KeyMetadata"]["Arn"]);
            assert!(arn.starts_with(&format!("acs:kms:{region}:")), "{host} {more:?}: {arn}");
            let refused =
                server.call_at(host, "GetSecretValue", &[&[("SecretName", "none")], more].concat()).await;
            assert_eq!(refused.refused(), not_found());
            assert_eq!(host_id(&refused), format!("kms.{region}.aliyuncs.com"), "{host}");
        }
    }
}

/// What terraform does: it sends RegionId in some calls only, and must still find what it created.
#[tokio::test]
async fn rule_14_12_what_was_created_with_a_region_id_is_found_without_one() {
    let server = Server::start().await;
    let beijing = ("RegionId", "cn-beijing");
    let creation = [("SecretName", "s"), ("VersionId", "v1"), ("SecretData", "one"), beijing];
    server.ok("CreateSecret", &creation).await;
    assert_eq!(server.value("s", &[]).await, "one");
    assert_eq!(server.value("s", &[beijing]).await, "one");
    let tags = [beijing, ("ResourceType", "secret"), ("ResourceId.1", "s"), ("Tag.1.Key", "k")];
    server.ok("TagResources", &tags).await;
    assert_eq!(
        server.ok("ListTagResources", &tags[..3]).await["TagResources"]["TagResource"][0]["TagKey"],
        "k"
    );
    // Where the action requires it, it is validated.
    for (region, wanted) in [("no region!", invalid("RegionId")), ("", missing("RegionId"))] {
        let tags = [("RegionId", region), ("ResourceType", "secret")];
        assert_eq!(server.refused("ListTagResources", &tags).await, wanted);
    }
}

#[tokio::test]
async fn rule_14_12_errors_name_the_host_of_product_and_region() {
    let server = Server::start().await;
    for (host, region) in [
        ("127.0.0.1:7070", "cn-hangzhou"),
        ("sts.cn-beijing.aliyuncs.com", "cn-beijing"),
        ("us-east-1.localhost", "us-east-1"),
    ] {
        for (version, service) in [(STS, "sts"), ("2016-01-20", "kms"), ("2000-01-01", "kms")] {
            for action in ["AssumeRole", "GetSecretValue", "NoSuchAction"] {
                let answer = call(&server, host, version, action, &[]).await;
                answer.refused();
                assert_eq!(
                    host_id(&answer),
                    format!("{service}.{region}.aliyuncs.com"),
                    "{host} {version} {action}"
                );
            }
        }
        // Also for errors before the caller is known.
        let query = "/?Action=AssumeRole&Version=2015-04-01&Signature=x&SignatureMethod=HMAC-MD5";
        let answer = server.send("GET", query, &[("Host", host)], b"").await;
        assert_eq!(host_id(&answer), format!("sts.{region}.aliyuncs.com"), "{}", answer.body);
        let headers = [("Host", host), ("x-acs-action", "AssumeRole"), ("x-acs-version", STS)];
        let answer = server.send("POST", "/", &headers, b"").await;
        assert_eq!(host_id(&answer), format!("sts.{region}.aliyuncs.com"), "{}", answer.body);
    }
}

#[tokio::test]
async fn rule_14_13_auto_is_a_name_of_ram_credentials_only() {
    let server = Server::start().await;
    let create = async |kind: &[(&str, &str)]| {
        let secret = [("SecretName", "$Auto"), ("VersionId", "v1"), ("SecretData", "{}")];
        server.refused("CreateSecret", &[&secret, kind].concat()).await
    };
    // The name is accepted: what is missing is told next.
    assert_eq!(create(&[("SecretType", "RAMCredentials")]).await, invalid("ExtendedConfig"));
    assert_eq!(create(&[]).await, invalid("SecretName"));
    for kind in ["Generic", "Rds", "Redis", "PolarDB", "ECS", ""] {
        assert_eq!(create(&[("SecretType", kind)]).await, invalid("SecretName"), "{kind}");
    }
    assert_eq!(create(&[("SecretType", "ramcredentials")]).await, invalid("SecretType"));
    for action in ["GetSecretValue", "DescribeSecret", "DeleteSecret"] {
        assert_eq!(
            server.refused(action, &[("SecretName", "$Auto")]).await,
            invalid("SecretName"),
            "{action}"
        );
    }
    assert_eq!(server.stored_count().await, 0);
}

#[tokio::test]
async fn location_answers_the_host_that_it_was_asked_on() {
    let server = Server::start().await;
    let asked = [("Id", "cn-beijing"), ("ServiceCode", "kms"), ("Type", "openAPI")];
    for (host, endpoint) in [
        ("127.0.0.1:7070", "127.0.0.1:7070"),
        ("http://127.0.0.1:8080", "127.0.0.1:8080"),
        ("https://localhost:8443/", "localhost:8443"),
        ("[::1]:7070", "[::1]:7070"),
        ("sesame", "sesame"),
        ("location-readonly.aliyuncs.com", "location-readonly.aliyuncs.com"),
        ("location-readonly.aliyuncs.com:443", "location-readonly.aliyuncs.com:443"),
    ] {
        let answer = call(&server, host, LOCATION, "DescribeEndpoints", &asked).await.ok();
        let row = json!({
            "Protocols": { "Protocols": ["HTTP", "HTTPS"] },
            "Type": "openAPI",
            "Namespace": "sesame",
            "Id": "cn-beijing",
            "SerivceCode": "kms",
            "Endpoint": endpoint,
        });
        assert_eq!(
            (&answer["Success"], &answer["Endpoints"]),
            (&json!(true), &json!({ "Endpoint": [row] })),
            "{host}"
        );
    }
    let xml = call(
        &server,
        "localhost:7070",
        LOCATION,
        "DescribeEndpoints",
        &[&asked[..], &[("Format", "XML")]].concat(),
    )
    .await;
    let rows = "<Success>true</Success><Endpoints><Endpoint><Protocols><Protocols>HTTP</Protocols><Protocols>HTTPS</Protocols></Protocols>\
        <Type>openAPI</Type><Namespace>sesame</Namespace><Id>cn-beijing</Id><SerivceCode>kms</SerivceCode><Endpoint>localhost:7070</Endpoint>";
    assert!(xml.body.contains(rows), "{}", xml.body);
    // By its other name, and with the default type; an unknown service or type has no address.
    for (service, kind, rows) in
        [("sts", "", 1), ("KMS", "openAPI", 1), ("ecs", "openAPI", 0), ("kms", "innerAPI", 0)]
    {
        let asked = [("Id", "cn-beijing"), ("ServiceCode", service), ("Type", kind)];
        let answer = call(&server, "localhost", LOCATION, "DescribeEndpoints", &asked).await.ok();
        assert_eq!(answer["Endpoints"]["Endpoint"].as_array().unwrap().len(), rows, "{service} {kind}");
    }
    for (more, wanted) in [
        (&asked[..1], missing("ServiceCode")),
        (&asked[1..], missing("Id")),
        (&[("Id", "no region!"), ("ServiceCode", "kms")], invalid("Id")),
    ] {
        assert_eq!(call(&server, "localhost", LOCATION, "DescribeEndpoints", more).await.refused(), wanted);
    }
}

#[tokio::test]
async fn at_the_hosts_of_location_and_ram_there_is_no_other_action() {
    let server = Server::start().await;
    server.create("s").await;
    let wanted = refusal(
        404,
        "InvalidAction.NotFound",
        "Specified api is not found, please check your url and method.",
    );
    for host in ["location-readonly.aliyuncs.com", "ram.aliyuncs.com:443", "https://RAM.aliyuncs.com"] {
        for (version, action) in [
            ("2016-01-20", "GetSecretValue"),
            ("2016-01-20", "NoSuchAction"),
            (STS, "GetCallerIdentity"),
            (LOCATION, "DescribeServices"),
            ("2015-05-01", "GetUser"),
        ] {
            let answer = call(&server, host, version, action, &[("SecretName", "s")]).await;
            assert_eq!(answer.refused(), wanted, "{host} {action}");
            let service = host_id(&answer);
            assert!(
                ["location-readonly.aliyuncs.com", "ram.aliyuncs.com"].contains(&service.as_str()),
                "{service}"
            );
        }
    }
    let asked = [("Id", "cn-beijing"), ("ServiceCode", "kms")];
    assert_eq!(
        call(&server, "ram.aliyuncs.com", LOCATION, "DescribeEndpoints", &asked).await.refused(),
        wanted
    );
    call(&server, "location-readonly.aliyuncs.com", LOCATION, "DescribeEndpoints", &asked).await.ok();
}

#[tokio::test]
async fn location_is_asked_with_a_signature_where_one_is_wanted() {
    let server = Server::with(Options { mode: AuthMode::Enforced, ..Options::default() }).await;
    let host = "location-readonly.aliyuncs.com";
    let asked = [("Id", "cn-beijing"), ("ServiceCode", "kms")];
    let answer = call(&server, host, LOCATION, "DescribeEndpoints", &asked).await;
    assert_eq!(answer.refused().1, "MissingAccessKeyId");
    assert_eq!(host_id(&answer), host);
    let time = NOW.to_string();
    let mut signed = rpc_system_of(LOCATION, "DescribeEndpoints", "testid", &time);
    signed.extend(asked);
    let signature = rpc_signature("POST", "testsecret", &signed);
    signed.push(("Signature", &signature));
    let answer = server.send("POST", "/", &[("Host", host), FORM], form(&signed).as_bytes()).await.ok();
    assert_eq!(answer["Endpoints"]["Endpoint"][0]["Endpoint"], host);
}
