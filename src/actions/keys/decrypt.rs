//! Decrypt: decrypts what Encrypt or GenerateDataKey made.

use crate::actions::endpoint::{Action, Context, Kind, Parameter, Resource};
use crate::actions::keys::shared::KEY_CODES;
use crate::actions::keys::shared::ciphertext::{MAX_CIPHERTEXT, Plaintext};
use crate::actions::keys::shared::encoding::{encryption_context, required_base64, to_base64};
use crate::actions::shared::dry_run::dry_run;
use crate::actions::shared::unsupported::no_recipient;
use crate::app::keys::{Content, EncryptionContext};
use crate::wire::{ApiError, Code, Disclosed, Fields};

#[derive(Debug)]
pub(in crate::actions) struct Request {
    ciphertext: Vec<u8>,
    context: EncryptionContext,
    dry_run: bool,
}

pub(in crate::actions) struct Decrypt;

impl Action for Decrypt {
    const NAME: &'static str = "Decrypt";
    const KIND: Kind = Kind::Read;
    const RESOURCE: Resource = Resource::AskedLater;
    const PARAMETERS: &'static [Parameter] = &[
        Parameter::required("CiphertextBlob"),
        Parameter::optional("EncryptionContext"),
        Parameter::optional("DryRun"),
        Parameter::optional("Recipient"),
    ];
    const CODES: &'static [Code] = KEY_CODES;
    type Request = Request;
    type Response = Plaintext;

    fn decode(fields: Fields<'_>) -> Result<Request, ApiError> {
        no_recipient(fields)?;
        Ok(Request {
            ciphertext: required_base64(fields, "CiphertextBlob", MAX_CIPHERTEXT)?,
            context: encryption_context(fields, "EncryptionContext")?,
            dry_run: fields.flag("DryRun", false)?,
        })
    }

    async fn run(context: &Context, request: Request) -> Result<Plaintext, ApiError> {
        dry_run(request.dry_run, decrypt(context, &request).await)
    }
}

async fn decrypt(context: &Context, request: &Request) -> Result<Plaintext, ApiError> {
    let key = context.key_of_ciphertext("kms:Decrypt", &request.ciphertext).await?;
    let done = context.app.keys().decrypt(&key, &request.ciphertext, &request.context)?;
    Ok(Plaintext {
        key_id: done.key.key().id.to_string(),
        key_version_id: done.version,
        plaintext: match done.result.content() {
            Content::Bytes => to_base64(done.result.as_bytes()).into(),
            Content::Text => Disclosed::from_bytes(done.result.into_bytes())
                .ok_or_else(|| ApiError::internal("a text that was encrypted is not UTF-8"))?,
        },
    })
}
