//! Encrypt, Decrypt, ReEncrypt.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use super::asymmetric::Algorithm;
use super::{KEY_CODES, dry_run, encryption_context, no_recipient, required_base64, to_base64};
use crate::actions::endpoint::{Action, Context, Kind, Parameter, Resource};
use crate::app::keys::{Content, Done, EncryptionAlgorithm, EncryptionContext, PairRef, Plain};
use crate::domain::keys::KeyRef;
use crate::wire::{ApiError, Code, Disclosed, Fields};
use zeroize::Zeroizing;

/// The most that is encrypted at once, in bytes: of the text, or of what it is the Base64 of.
const MAX_PLAINTEXT: usize = 6144;
/// The most that is decrypted at once, in bytes: the largest plaintext with everything around it, with room.
pub(super) const MAX_CIPHERTEXT: usize = 16 * 1024;

/// What is answered by Encrypt and ReEncrypt.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::actions) struct Ciphertext {
    pub(super) key_id: String,
    pub(super) key_version_id: String,
    pub(super) ciphertext_blob: String,
}

/// What is answered by Decrypt.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::actions) struct Plaintext {
    pub(super) key_id: String,
    pub(super) key_version_id: String,
    pub(super) plaintext: Disclosed,
}

/// Encrypts a text. Official clients send the Base64 of up to 6 KiB; any other text of up to 6 KiB will do (rule 14.11).
pub(in crate::actions) struct Encrypt;

/// What Encrypt is asked.
#[derive(Debug)]
pub(in crate::actions) struct EncryptRequest {
    key: KeyRef,
    plaintext: Plain,
    context: EncryptionContext,
    dry_run: bool,
}

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
    type Request = EncryptRequest;
    type Response = Ciphertext;

    fn decode(fields: Fields<'_>) -> Result<EncryptRequest, ApiError> {
        Ok(EncryptRequest {
            key: fields.required("KeyId")?,
            plaintext: plaintext(fields)?,
            context: encryption_context(fields, "EncryptionContext")?,
            dry_run: fields.flag("DryRun", false)?,
        })
    }

    async fn run(context: &Context, request: EncryptRequest) -> Result<Ciphertext, ApiError> {
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

/// The text to encrypt, which nothing is asked of but its length: it may hold as many bytes as the Base64 of that much may.
fn plaintext(fields: Fields<'_>) -> Result<Plain, ApiError> {
    let text = fields.text("Plaintext")?.ok_or_else(|| fields.missing("Plaintext"))?;
    let is_short = |text: &str| {
        let decoded = STANDARD.decode(text).map(Zeroizing::new);
        text.len() <= MAX_PLAINTEXT || decoded.is_ok_and(|bytes| bytes.len() <= MAX_PLAINTEXT)
    };
    // No more can be the Base64 of that much, and is not looked at.
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

/// Decrypts what Encrypt or GenerateDataKey made.
pub(in crate::actions) struct Decrypt;

/// What Decrypt is asked.
#[derive(Debug)]
pub(in crate::actions) struct DecryptRequest {
    ciphertext: Vec<u8>,
    context: EncryptionContext,
    dry_run: bool,
}

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
    type Request = DecryptRequest;
    type Response = Plaintext;

    fn decode(fields: Fields<'_>) -> Result<DecryptRequest, ApiError> {
        no_recipient(fields)?;
        Ok(DecryptRequest {
            ciphertext: required_base64(fields, "CiphertextBlob", MAX_CIPHERTEXT)?,
            context: encryption_context(fields, "EncryptionContext")?,
            dry_run: fields.flag("DryRun", false)?,
        })
    }

    async fn run(context: &Context, request: DecryptRequest) -> Result<Plaintext, ApiError> {
        dry_run(request.dry_run, decrypt(context, &request).await)
    }
}

async fn decrypt(context: &Context, request: &DecryptRequest) -> Result<Plaintext, ApiError> {
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

/// Decrypts and encrypts again, without showing what was in between. Bytes stay bytes, and a text stays a text.
pub(in crate::actions) struct ReEncrypt;

/// What ReEncrypt is asked.
#[derive(Debug)]
pub(in crate::actions) struct ReEncryptRequest {
    ciphertext: Vec<u8>,
    /// For a ciphertext to a public key.
    source: Option<(PairRef, EncryptionAlgorithm)>,
    source_context: EncryptionContext,
    destination: KeyRef,
    destination_context: EncryptionContext,
    dry_run: bool,
}

impl Action for ReEncrypt {
    const NAME: &'static str = "ReEncrypt";
    const KIND: Kind = Kind::Read;
    const RESOURCE: Resource = Resource::AskedLater;
    const PARAMETERS: &'static [Parameter] = &[
        Parameter::required("CiphertextBlob"),
        Parameter::required("DestinationKeyId"),
        Parameter::optional("SourceKeyId"),
        Parameter::optional("SourceKeyVersionId"),
        Parameter::optional("SourceEncryptionAlgorithm"),
        Parameter::optional("SourceEncryptionContext"),
        Parameter::optional("DestinationEncryptionContext"),
        Parameter::optional("DryRun"),
    ];
    const CODES: &'static [Code] = KEY_CODES;
    type Request = ReEncryptRequest;
    type Response = Ciphertext;

    fn decode(fields: Fields<'_>) -> Result<ReEncryptRequest, ApiError> {
        let source = match fields.optional::<KeyRef>("SourceKeyId")? {
            None => None,
            Some(key) => {
                let version = fields.required("SourceKeyVersionId")?;
                let Algorithm(algorithm) = fields.required("SourceEncryptionAlgorithm")?;
                Some((PairRef { key, version }, algorithm))
            }
        };
        Ok(ReEncryptRequest {
            ciphertext: required_base64(fields, "CiphertextBlob", MAX_CIPHERTEXT)?,
            source,
            source_context: encryption_context(fields, "SourceEncryptionContext")?,
            destination: fields.required("DestinationKeyId")?,
            destination_context: encryption_context(fields, "DestinationEncryptionContext")?,
            dry_run: fields.flag("DryRun", false)?,
        })
    }

    async fn run(context: &Context, request: ReEncryptRequest) -> Result<Ciphertext, ApiError> {
        dry_run(request.dry_run, re_encrypt(context, &request).await)
    }
}

/// The two permissions of ReEncrypt (rule 10.8).
const FROM: &str = "kms:ReEncryptFrom";
const TO: &str = "kms:ReEncryptTo";

async fn re_encrypt(context: &Context, request: &ReEncryptRequest) -> Result<Ciphertext, ApiError> {
    let (keys, scope) = (context.app.keys(), &context.scope);
    let opened = match &request.source {
        None => {
            let key = context.key_of_ciphertext(FROM, &request.ciphertext).await?;
            context.permit_named_key(TO, &request.destination).await?;
            keys.decrypt(&key, &request.ciphertext, &request.source_context)
        }
        Some((pair, algorithm)) => {
            context.permit_named_key(FROM, &pair.key).await?;
            context.permit_named_key(TO, &request.destination).await?;
            let opened = keys.decrypt_with_private(scope, pair, *algorithm, &request.ciphertext).await;
            opened.map(|done| Done {
                key: done.key,
                version: done.version,
                result: Plain::of_bytes(done.result),
            })
        }
    };
    let opened = opened?;
    let sealed =
        keys.encrypt(scope, &request.destination, &request.destination_context, &opened.result).await?;
    Ok(Ciphertext {
        // Of the key that decrypted, as documented (question 23).
        key_id: opened.key.key().id.to_string(),
        key_version_id: opened.version,
        ciphertext_blob: to_base64(&sealed.result),
    })
}
