//! GenerateDataKey and GenerateDataKeyWithoutPlaintext.

use serde::Serialize;
use zeroize::Zeroizing;

use super::symmetric::Ciphertext;
use super::{KEY_CODES, dry_run, encryption_context, no_recipient, to_base64};
use crate::actions::endpoint::{Action, Context, Kind, Parameter, Resource};
use crate::app::keys::{EncryptionContext, Plain};
use crate::domain::keys::KeyRef;
use crate::domain::names::Invalid;
use crate::wire::{ApiError, Code, Disclosed, Fields};

/// What is asked.
#[derive(Debug)]
pub(in crate::actions) struct Request {
    key: KeyRef,
    /// 1 to 1,024; default 32.
    bytes: usize,
    context: EncryptionContext,
    dry_run: bool,
}

const PARAMETERS: &[Parameter] = &[
    Parameter::required("KeyId"),
    Parameter::optional("KeySpec"),
    Parameter::optional("NumberOfBytes"),
    Parameter::optional("EncryptionContext"),
    Parameter::optional("DryRun"),
    Parameter::optional("Recipient"),
];

fn decode(fields: Fields<'_>) -> Result<Request, ApiError> {
    no_recipient(fields)?;
    // A number of bytes goes before the spec, whatever that says.
    let spec = if fields.text("NumberOfBytes")?.is_some() { None } else { fields.text("KeySpec")? };
    let by_spec = match spec {
        None | Some("AES_256") => 32,
        Some("AES_128") => 16,
        Some(other) => {
            let why = Invalid::not_one_of(other, ["AES_256", "AES_128"]);
            return Err(ApiError::invalid("KeySpec", why));
        }
    };
    let bytes = fields.number("NumberOfBytes", 1..=1024, by_spec)?;
    Ok(Request {
        key: fields.required("KeyId")?,
        bytes: usize::try_from(bytes).unwrap_or_default(),
        context: encryption_context(fields, "EncryptionContext")?,
        dry_run: fields.flag("DryRun", false)?,
    })
}

async fn generate(
    context: &Context,
    request: &Request,
) -> Result<(Ciphertext, Zeroizing<Vec<u8>>), ApiError> {
    let mut plaintext = Zeroizing::new(vec![0; request.bytes]);
    context.app.entropy().rng().fill_bytes(&mut plaintext);
    let plaintext = Plain::of_bytes(plaintext);
    let done = context.app.keys().encrypt(&context.scope, &request.key, &request.context, &plaintext).await?;
    let ciphertext = Ciphertext {
        key_id: done.key.key().id.to_string(),
        key_version_id: done.version,
        ciphertext_blob: to_base64(&done.result),
    };
    Ok((ciphertext, plaintext.into_bytes()))
}

/// What is answered.
#[derive(Debug, Serialize)]
pub(in crate::actions) struct Response {
    #[serde(flatten)]
    ciphertext: Ciphertext,
    #[serde(rename = "Plaintext")]
    plaintext: Disclosed,
}

/// Makes a data key.
pub(in crate::actions) struct GenerateDataKey;

impl Action for GenerateDataKey {
    const NAME: &'static str = "GenerateDataKey";
    const KIND: Kind = Kind::Read;
    const RESOURCE: Resource = Resource::Key;
    const PARAMETERS: &'static [Parameter] = PARAMETERS;
    const CODES: &'static [Code] = KEY_CODES;
    type Request = Request;
    type Response = Response;

    fn decode(fields: Fields<'_>) -> Result<Request, ApiError> {
        decode(fields)
    }

    async fn run(context: &Context, request: Request) -> Result<Response, ApiError> {
        let made = generate(context, &request).await;
        let answer =
            made.map(|(ciphertext, bytes)| Response { ciphertext, plaintext: to_base64(&bytes).into() });
        dry_run(request.dry_run, answer)
    }
}

/// Makes a data key and shows only its ciphertext.
pub(in crate::actions) struct GenerateDataKeyWithoutPlaintext;

impl Action for GenerateDataKeyWithoutPlaintext {
    const NAME: &'static str = "GenerateDataKeyWithoutPlaintext";
    const KIND: Kind = Kind::Read;
    const RESOURCE: Resource = Resource::Key;
    const PARAMETERS: &'static [Parameter] = PARAMETERS;
    const CODES: &'static [Code] = KEY_CODES;
    type Request = Request;
    type Response = Ciphertext;

    fn decode(fields: Fields<'_>) -> Result<Request, ApiError> {
        decode(fields)
    }

    async fn run(context: &Context, request: Request) -> Result<Ciphertext, ApiError> {
        dry_run(request.dry_run, generate(context, &request).await.map(|(ciphertext, _)| ciphertext))
    }
}
