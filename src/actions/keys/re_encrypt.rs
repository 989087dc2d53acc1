//! ReEncrypt: decrypts and encrypts again, without showing what was in between. Bytes stay bytes, and a text stays a
//! text.

use crate::actions::endpoint::{Action, Context, Kind, Parameter, Resource};
use crate::actions::keys::shared::KEY_CODES;
use crate::actions::keys::shared::ciphertext::{Ciphertext, MAX_CIPHERTEXT};
use crate::actions::keys::shared::encoding::{encryption_context, required_base64, to_base64};
use crate::actions::keys::shared::key_pairs::Algorithm;
use crate::actions::shared::dry_run::dry_run;
use crate::app::keys::{Done, EncryptionAlgorithm, EncryptionContext, PairRef, Plain};
use crate::domain::keys::KeyRef;
use crate::wire::{ApiError, Code, Fields};

/// The two permissions of ReEncrypt (rule 10.8).
const FROM: &str = "kms:ReEncryptFrom";

const TO: &str = "kms:ReEncryptTo";

#[derive(Debug)]
pub(in crate::actions) struct Request {
    ciphertext: Vec<u8>,
    /// The key pair and algorithm, for a ciphertext made with a public key.
    source: Option<(PairRef, EncryptionAlgorithm)>,
    source_context: EncryptionContext,
    destination: KeyRef,
    destination_context: EncryptionContext,
    dry_run: bool,
}

pub(in crate::actions) struct ReEncrypt;

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
    type Request = Request;
    type Response = Ciphertext;

    fn decode(fields: Fields<'_>) -> Result<Request, ApiError> {
        let source = match fields.optional::<KeyRef>("SourceKeyId")? {
            None => None,
            Some(key) => {
                let version = fields.required("SourceKeyVersionId")?;
                let Algorithm(algorithm) = fields.required("SourceEncryptionAlgorithm")?;
                Some((PairRef { key, version }, algorithm))
            }
        };
        Ok(Request {
            ciphertext: required_base64(fields, "CiphertextBlob", MAX_CIPHERTEXT)?,
            source,
            source_context: encryption_context(fields, "SourceEncryptionContext")?,
            destination: fields.required("DestinationKeyId")?,
            destination_context: encryption_context(fields, "DestinationEncryptionContext")?,
            dry_run: fields.flag("DryRun", false)?,
        })
    }

    async fn run(context: &Context, request: Request) -> Result<Ciphertext, ApiError> {
        dry_run(request.dry_run, re_encrypt(context, &request).await)
    }
}

async fn re_encrypt(context: &Context, request: &Request) -> Result<Ciphertext, ApiError> {
    let (keys, scope) = (context.app.keys(), &context.scope);
    let opened = match &request.source {
        None => {
            let key = context.key_of_ciphertext(FROM, &request.ciphertext).await?;
            context.permit_key_ref(TO, &request.destination).await?;
            keys.decrypt(&key, &request.ciphertext, &request.source_context)
        }
        Some((pair, algorithm)) => {
            context.permit_key_ref(FROM, &pair.key).await?;
            context.permit_key_ref(TO, &request.destination).await?;
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
        // The id of the key that decrypted, as documented (guess G35).
        key_id: opened.key.key().id.to_string(),
        key_version_id: opened.version,
        ciphertext_blob: to_base64(&sealed.result),
    })
}
