//! What the two actions that make data keys share.

use zeroize::Zeroizing;

use crate::actions::endpoint::{Context, Parameter};
use crate::actions::keys::shared::ciphertext::Ciphertext;
use crate::actions::keys::shared::encoding::{encryption_context, to_base64};
use crate::actions::shared::unsupported::no_recipient;
use crate::app::keys::{EncryptionContext, Plain};
use crate::domain::keys::KeyRef;
use crate::domain::names::Invalid;
use crate::wire::{ApiError, Fields};

#[derive(Debug)]
pub(in crate::actions) struct DataKeyRequest {
    pub(in crate::actions) key: KeyRef,
    /// 1 to 1,024; default 32.
    pub(in crate::actions) bytes: usize,
    pub(in crate::actions) context: EncryptionContext,
    pub(in crate::actions) dry_run: bool,
}

pub(in crate::actions) const DATA_KEY_PARAMETERS: &[Parameter] = &[
    Parameter::required("KeyId"),
    Parameter::optional("KeySpec"),
    Parameter::optional("NumberOfBytes"),
    Parameter::optional("EncryptionContext"),
    Parameter::optional("DryRun"),
    Parameter::optional("Recipient"),
];

pub(in crate::actions) fn decode(fields: Fields<'_>) -> Result<DataKeyRequest, ApiError> {
    no_recipient(fields)?;
    // NumberOfBytes overrides KeySpec, whatever KeySpec says.
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
    Ok(DataKeyRequest {
        key: fields.required("KeyId")?,
        bytes: usize::try_from(bytes).unwrap_or_default(),
        context: encryption_context(fields, "EncryptionContext")?,
        dry_run: fields.flag("DryRun", false)?,
    })
}

pub(in crate::actions) async fn generate(
    context: &Context,
    request: &DataKeyRequest,
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
