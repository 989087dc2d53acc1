//! The next request of a connection, and what its answer must hold.

use crate::plan::{Kind, Plan};
use crate::sign;

/// A request.
#[derive(Debug)]
pub struct Asked {
    pub bytes: Vec<u8>,
    /// What a right answer holds.
    pub expect: String,
    /// The version that it puts, if it puts one.
    pub version: Option<String>,
}

/// The request number `turn` of a connection; none when everything was sent.
pub fn next(plan: &Plan, connection: u64, turn: u64) -> Option<Asked> {
    Some(match plan.kind {
        Kind::Get => get(plan, connection, turn),
        Kind::Put => put(plan, connection, turn),
        Kind::Mixed if turn % 10 == 9 => put(plan, connection, turn),
        Kind::Mixed => read(plan, own(plan, connection), plan.expect.clone().unwrap_or_default()),
        Kind::Create => create(plan, turn * plan.connections as u64 + connection)?,
        Kind::List => list(plan),
        Kind::Moto => moto(plan, turn),
        Kind::Bao => bao(plan, connection, turn),
    })
}

/// The secret that a connection writes.
fn own(plan: &Plan, connection: u64) -> String {
    plan.shared.clone().unwrap_or_else(|| format!("{}-put/{connection}", plan.secret))
}

fn read(plan: &Plan, name: String, expect: String) -> Asked {
    let bytes = sign::call(plan, "GetSecretValue", vec![("SecretName", name)]);
    Asked { bytes, expect, version: None }
}

fn get(plan: &Plan, connection: u64, turn: u64) -> Asked {
    if plan.secrets == 0 {
        return read(plan, plan.secret.clone(), plan.expect.clone().unwrap_or_default());
    }
    // Spread without order: what is near is not read together.
    let number = (connection * 7_919 + turn * 104_729) % plan.secrets;
    read(plan, format!("{}/{number}", plan.secret), value_of(number))
}

fn put(plan: &Plan, connection: u64, turn: u64) -> Asked {
    let version = format!("{}-{connection}-{turn}", plan.run);
    let parameters = vec![
        ("SecretData", format!("value-{version}")),
        ("SecretName", own(plan, connection)),
        ("VersionId", version.clone()),
    ];
    let bytes = sign::call(plan, "PutSecretValue", parameters);
    Asked { bytes, expect: version.clone(), version: Some(version) }
}

/// The value of a created secret: 64 bytes that name it.
fn value_of(number: u64) -> String {
    format!("{:->64}", format!("value-{number}"))
}

fn create(plan: &Plan, number: u64) -> Option<Asked> {
    if number >= plan.count {
        return None;
    }
    let name = format!("{}/{number}", plan.secret);
    let parameters =
        vec![("SecretData", value_of(number)), ("SecretName", name.clone()), ("VersionId", "v1".to_owned())];
    Some(Asked { bytes: sign::call(plan, "CreateSecret", parameters), expect: name, version: None })
}

fn list(plan: &Plan) -> Asked {
    let parameters = vec![("PageNumber", plan.page.to_string()), ("PageSize", plan.page_size.to_string())];
    let expect = plan.expect.clone().unwrap_or_default();
    Asked { bytes: sign::call(plan, "ListSecrets", parameters), expect, version: None }
}

fn moto(plan: &Plan, turn: u64) -> Asked {
    let (action, body) = if plan.write {
        ("PutSecretValue", format!("{{\"SecretId\":\"bench\",\"SecretString\":\"value-{turn}\"}}"))
    } else {
        ("GetSecretValue", "{\"SecretId\":\"bench\"}".to_owned())
    };
    let bytes = format!(
        "POST / HTTP/1.1\r\nhost: {}\r\nx-amz-target: secretsmanager.{action}\r\n\
         content-type: application/x-amz-json-1.1\r\nauthorization: AWS4-HMAC-SHA256 \
         Credential=a/20260101/us-east-1/secretsmanager/aws4_request, SignedHeaders=host, Signature=0\r\n\
         content-length: {}\r\n\r\n{body}",
        plan.address,
        body.len()
    );
    Asked { bytes: bytes.into_bytes(), expect: plan.expect.clone().unwrap_or_default(), version: None }
}

fn bao(plan: &Plan, connection: u64, turn: u64) -> Asked {
    let head = |method: &str, name: &str| {
        let (address, token) = (&plan.address, &plan.key);
        format!("{method} /v1/secret/data/{name} HTTP/1.1\r\nhost: {address}\r\nx-vault-token: {token}\r\n")
    };
    let text = if plan.write {
        let body = format!("{{\"data\":{{\"value\":\"value-{turn}\"}}}}");
        let name = format!("{}-put-{connection}", plan.secret);
        format!("{}content-length: {}\r\n\r\n{body}", head("POST", &name), body.len())
    } else {
        format!("{}\r\n", head("GET", &plan.secret))
    };
    Asked { bytes: text.into_bytes(), expect: plan.expect.clone().unwrap_or_default(), version: None }
}
