//! Encrypt: encrypts a text. Official clients send the Base64 of up to 6 KiB; any other text of up to 6 KiB will do
//! (rule 14.11).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::actions::endpoint::{Action, Context, Kind, Parameter, Resource};
use crate::actions::keys::shared::KEY_CODES;
use crate::actions::keys::shared::ciphertext::Ciphertext;
use crate::actions::keys::shared::encoding::{encryption_context, to_base64};
use crate::actions::shared::dry_run::dry_run;
use crate::app::keys::{EncryptionContext, Plain};
use crate::domain::keys::KeyRef;
use crate::wire::{ApiError, Code, Fields};

/// The largest plaintext, in bytes: of the text itself, or of what it decodes to from Base64.
const MAX_PLAINTEXT: usize = 6144;

#[derive(Debug)]
pub(in crate::actions) struct Request {
    key: KeyRef,
    plaintext: Plain,
    context: EncryptionContext,
    dry_run: bool,
}

pub(in crate::actions) struct Encrypt;

impl Action for Encrypt {
    const NAME: &'static str = "Encrypt";
    const KIND: Kind = Kind::Read;
    const RESOURCE: Resource = Resource::Key;
    const PARAMETERS: &'static [Parameter] = &[
        Parameter::required("KeyId"),
        Parameter::required("Plaintext"),
        Parameter::optional("EncryptionContext"),
        Parameter::optional("DryRun"),
    ];
    const CODES: &'static [Code] = KEY_CODES;
    type Request = Request;
    type Response = Ciphertext;

    fn decode(fields: Fields<'_>) -> Result<Request, ApiError> {
        Ok(Request {
            key: fields.required("KeyId")?,
            plaintext: plaintext(fields)?,
            context: encryption_context(fields, "EncryptionContext")?,
            dry_run: fields.flag("DryRun", false)?,
        })
    }

    async fn run(context: &Context, request: Request) -> Result<Ciphertext, ApiError> {
        let keys = context.app.keys();
        let done = keys.encrypt(&context.scope, &request.key, &request.context, &request.plaintext).await;
        let answer = done.map_err(ApiError::from).map(|done| Ciphertext {
            key_id: done.key.key().id.to_string(),
            key_version_id: done.version,
            ciphertext_blob: to_base64(&done.result),
        });
        dry_run(request.dry_run, answer)
    }
}

/// Reads the text to encrypt. Only its length is checked: it may be as long as the Base64 of the largest plaintext.
fn plaintext(fields: Fields<'_>) -> Result<Plain, ApiError> {
    let text = fields.text("Plaintext")?.ok_or_else(|| fields.missing("Plaintext"))?;
    let is_short = |text: &str| {
        let decoded = STANDARD.decode(text).map(Zeroizing::new);
        text.len() <= MAX_PLAINTEXT || decoded.is_ok_and(|bytes| bytes.len() <= MAX_PLAINTEXT)
    };
    // A longer text cannot be the Base64 of an allowed plaintext, so it is not decoded.
    if text.len() <= MAX_PLAINTEXT.div_ceil(3) * 4 && is_short(text) {
        return Ok(Plain::of_text(text));
    }
    let length = text.len();
    let why = format!(
        "has {length} bytes; at most {MAX_PLAINTEXT} are allowed, or the Base64 of {MAX_PLAINTEXT}. Encrypt larger data \
         with a data key of GenerateDataKey"
    );
    Err(ApiError::invalid("Plaintext", why))
}
