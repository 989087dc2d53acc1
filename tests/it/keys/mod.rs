//! Customer master keys: the table of states, their life over time, what a deletion destroys, invalid input.

mod bad_input;
mod destroyed;
mod lifecycle;
mod states;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::support::{Answer, Server, refusal, text};

/// Five bytes in base64.
const PLAINTEXT: (&str, &str) = ("Plaintext", "aGVsbG8=");

/// Status, code and message.
type Refused = (u16, String, String);

/// A refusal because of the state of a key.
fn state(name: &str) -> Refused {
    let message = format!("The request was rejected because the key state is {name}.");
    refusal(409, &format!("Rejected.{name}"), &message)
}

fn not_modified() -> Refused {
    refusal(409, "Rejected.StateModifiedFailed", "Keystate modified failed.")
}

fn key_not_found() -> Refused {
    refusal(404, "Forbidden.KeyNotFound", "The specified Key is not found.")
}

fn alias_not_found() -> Refused {
    refusal(404, "Forbidden.AliasNotFound", "The specified Alias is not found.")
}

fn version_not_found() -> Refused {
    refusal(404, "Forbidden.KeyVersionNotFound", "The specified Key version is not found.")
}

fn unsupported() -> Refused {
    refusal(400, "UnsupportedOperation", "This action is not supported.")
}

fn by_alias() -> Refused {
    refusal(400, "Unsupported.Alias", "Alias is not valid for this api.")
}

fn full() -> Refused {
    let message = "The request was rejected because user create resource limit was exceeded";
    refusal(400, "Rejected.LimitExceeded", message)
}

/// Creates a key and returns its id.
async fn make(server: &Server, parameters: &[(&str, &str)]) -> String {
    text(&server.ok("CreateKey", parameters).await["KeyMetadata"]["KeyId"]).to_owned()
}

/// Schedules the deletion of a key in seven days.
async fn schedule(server: &Server, key: &str) {
    server.ok("ScheduleKeyDeletion", &[("KeyId", key), ("PendingWindowInDays", "7")]).await;
}

/// A member of a key's metadata, as JSON.
async fn metadata(server: &Server, key: &str) -> serde_json::Value {
    server.ok("DescribeKey", &[("KeyId", key)]).await["KeyMetadata"].clone()
}

/// Encrypts five bytes.
async fn sealed(server: &Server, key: &str) -> String {
    text(&server.ok("Encrypt", &[("KeyId", key), PLAINTEXT]).await["CiphertextBlob"]).to_owned()
}

/// The id of the only version of a key.
async fn first_version(server: &Server, key: &str) -> String {
    let listed = server.ok("ListKeyVersions", &[("KeyId", key), ("PageSize", "100")]).await;
    let versions = listed["KeyVersions"]["KeyVersion"].as_array().unwrap();
    text(&versions.last().unwrap()["KeyVersionId"]).to_owned()
}

/// What an import needs: the token and the public key.
async fn import_parameters(server: &Server, key: &str, algorithm: &str) -> (String, rsa::PublicKey) {
    let parameters = [("KeyId", key), ("WrappingAlgorithm", algorithm), ("WrappingKeySpec", "RSA_2048")];
    let given = server.ok("GetParametersForImport", &parameters).await;
    let der = STANDARD.decode(text(&given["PublicKey"])).unwrap();
    let public = rsa::pkcs8::DecodePublicKey::from_public_key_der(&der).unwrap();
    (text(&given["ImportToken"]).to_owned(), public)
}

/// Wraps material as an owner does.
fn wrap(public: &rsa::PublicKey, algorithm: &str, material: &[u8]) -> String {
    let mut rng = rand::rng();
    let wrapped = match algorithm {
        "RSAES_OAEP_SHA_1" => public.encrypt(&mut rng, rsa::Oaep::<sha1::Sha1>::new(), material),
        "RSAES_OAEP_SHA_256" => public.encrypt(&mut rng, rsa::Oaep::<sha2::Sha256>::new(), material),
        "RSAES_PKCS1_V1_5" => public.encrypt(&mut rng, rsa::Pkcs1v15Encrypt, material),
        other => panic!("{other}"),
    };
    STANDARD.encode(wrapped.unwrap())
}

/// Imports material with a new token.
async fn import(server: &Server, key: &str, material: &[u8], more: &[(&str, &str)]) -> Answer {
    let (token, public) = import_parameters(server, key, "RSAES_OAEP_SHA_256").await;
    let wrapped = wrap(&public, "RSAES_OAEP_SHA_256", material);
    let parameters = [("KeyId", key), ("ImportToken", &token), ("EncryptedKeyMaterial", &wrapped)];
    server.call("ImportKeyMaterial", &[&parameters[..], more].concat()).await
}
