//! The provider: what it says of itself, where it is asked, and whether what
//! it answers is its word about somebody, said to us and now.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hyper::Request;
use hyper::header::{ACCEPT, AUTHORIZATION};
use jiff::{SignedDuration, Timestamp};
use openidconnect::core::{
    CoreAuthenticationFlow, CoreClient, CoreClientAuthMethod, CoreIdToken, CoreIdTokenClaims,
    CoreJwsSigningAlgorithm as Algorithm, CoreProviderMetadata, CoreTokenResponse,
};
use openidconnect::{
    AccessTokenHash, AuthType, AuthorizationCode, ClaimsVerificationError, ClientId, ClientSecret, CsrfToken,
    EndpointMaybeSet, EndpointNotSet, EndpointSet, IssuerUrl, Nonce, OAuth2TokenResponse as _,
    PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope, TokenResponse as _,
};
use serde_json::Value;
use tokio::sync::Mutex;

use crate::config;
use crate::people::Identity;

use super::http::{Http, is_safe};
use super::{Flow, Purpose};

/// How long what a provider says of itself is believed without asking again.
const KNOWN: SignedDuration = SignedDuration::from_hours(1);
/// How long one that could not be reached is not asked again: those who wait
/// for it stand in a queue.
const DOWN: SignedDuration = SignedDuration::from_secs(5);
/// Longest name that is kept.
const NAME: usize = 100;

/// Signatures that are taken: of keys that only the provider holds.
const ALGORITHMS: [Algorithm; 8] = [
    Algorithm::RsaSsaPkcs1V15Sha256,
    Algorithm::RsaSsaPkcs1V15Sha384,
    Algorithm::RsaSsaPkcs1V15Sha512,
    Algorithm::RsaSsaPssSha256,
    Algorithm::RsaSsaPssSha384,
    Algorithm::EcdsaP256Sha256,
    Algorithm::EcdsaP384Sha384,
    Algorithm::EdDsa,
];

/// Why a provider is of no help.
#[derive(Debug, Clone, thiserror::Error)]
pub(in crate::portal) enum ProviderError {
    /// It cannot be reached, or says nothing that can be understood.
    #[error("{0}")]
    Down(String),
    /// It said no, or what it said is not good.
    #[error("{0}")]
    Refused(String),
}

fn down(error: &dyn std::error::Error) -> ProviderError {
    let cause = error.source().map(|s| format!(": {s}")).unwrap_or_default();
    ProviderError::Down(format!("{error}{cause}"))
}

fn refused(error: impl std::fmt::Display) -> ProviderError {
    ProviderError::Refused(error.to_string())
}

type Metadata = Arc<CoreProviderMetadata>;
type Client = CoreClient<
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// What is known of the provider.
#[derive(Debug)]
struct Known {
    issuer: String,
    until: Timestamp,
    metadata: Result<Metadata, ProviderError>,
}

/// Asks providers. Only one is configured at a time; it may be exchanged while
/// the server runs.
#[derive(Debug, Default)]
pub(in crate::portal) struct Providers {
    http: Http,
    /// Held while it is asked, so that it is asked once.
    known: Mutex<Option<Known>>,
}

impl Providers {
    /// What the provider says of itself; asked when it is needed.
    async fn metadata(&self, settings: &config::Oidc, now: Timestamp) -> Result<Metadata, ProviderError> {
        let mut known = self.known.lock().await;
        if let Some(known) = known.as_ref().filter(|k| k.issuer == settings.issuer && now < k.until) {
            return known.metadata.clone();
        }
        let metadata = self.discover(settings).await;
        let life = if metadata.is_ok() { KNOWN } else { DOWN };
        let fresh = Known { issuer: settings.issuer.clone(), until: now + life, metadata: metadata.clone() };
        *known = Some(fresh);
        metadata
    }

    async fn discover(&self, settings: &config::Oidc) -> Result<Metadata, ProviderError> {
        let issuer = IssuerUrl::new(settings.issuer.clone()).map_err(|e| down(&e))?;
        let found = CoreProviderMetadata::discover_async(issuer, &self.http).await.map_err(|e| down(&e))?;
        let page = found.authorization_endpoint().as_str();
        if !page.parse().is_ok_and(|uri| is_safe(&uri)) {
            return Err(ProviderError::Down("its page is neither https:// nor on this machine".to_owned()));
        }
        Ok(Arc::new(found))
    }

    /// The address to which somebody is sent, and what has to fit his return.
    pub(in crate::portal) async fn leave(
        &self,
        settings: &config::Oidc,
        (purpose, redirect): (Purpose, String),
        now: Timestamp,
    ) -> Result<(String, Flow), ProviderError> {
        let metadata = self.metadata(settings, now).await?;
        let client = client(settings, &metadata, None, &redirect)?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let flow = CoreAuthenticationFlow::AuthorizationCode;
        let request = client.authorize_url(flow, CsrfToken::new_random, Nonce::new_random);
        let request = request.add_scope(Scope::new("profile".to_owned())).set_pkce_challenge(challenge);
        let (url, state, nonce) = request.url();
        let flow = Flow {
            purpose,
            issuer: settings.issuer.clone(),
            state: state.into_secret(),
            nonce: nonce.secret().clone(),
            verifier: verifier.into_secret(),
            redirect,
        };
        Ok((url.to_string(), flow))
    }

    /// Who somebody is that came back from `flow` with `code`.
    pub(in crate::portal) async fn who(
        &self,
        settings: &config::Oidc,
        flow: &Flow,
        code: &str,
        now: Timestamp,
    ) -> Result<Identity, ProviderError> {
        if flow.issuer != settings.issuer {
            return Err(refused("the provider was exchanged meanwhile"));
        }
        let secret = tokio::fs::read_to_string(&settings.client_secret_file).await;
        let secret = secret.map_err(|e| {
            ProviderError::Down(format!("{} cannot be read: {e}", settings.client_secret_file.display()))
        })?;
        let metadata = self.metadata(settings, now).await?;
        let client = client(settings, &metadata, Some(secret.trim()), &flow.redirect)?;
        let request = client.exchange_code(AuthorizationCode::new(code.to_owned())).map_err(|e| down(&e))?;
        let request = request.set_pkce_verifier(PkceCodeVerifier::new(flow.verifier.clone()));
        let answer = request.request_async(&self.http).await.map_err(|e| match e {
            openidconnect::RequestTokenError::ServerResponse(said) => refused(said.error()),
            openidconnect::RequestTokenError::Request(why) => down(&why),
            // What it answered is not repeated: there may be a token in it.
            _ => ProviderError::Down("its answer cannot be understood".to_owned()),
        })?;
        let token = answer.id_token().ok_or_else(|| refused("it gave no ID token"))?;
        let claims = match verified(&client, &answer, token, &flow.nonce, now) {
            // Keys are changed now and then.
            Err(Unverified::Signature) => {
                *self.known.lock().await = None;
                let metadata = self.metadata(settings, now).await?;
                let client = self::client(settings, &metadata, Some(secret.trim()), &flow.redirect)?;
                verified(&client, &answer, token, &flow.nonce, now)
            }
            other => other,
        };
        let claims = claims.map_err(|e| refused(e.said()))?;
        let subject = claims.subject().as_str().to_owned();
        let name = match named(&payload(token), &settings.claim) {
            Some(name) => name,
            None => self.asked_name(&metadata, &answer, settings, &subject).await,
        };
        Ok(Identity { issuer: settings.issuer.clone(), subject, name })
    }

    /// What the provider calls him where the token does not say it (OpenID
    /// Connect Core 1.0 §5.3); his subject if it does not either.
    async fn asked_name(
        &self,
        metadata: &CoreProviderMetadata,
        answer: &CoreTokenResponse,
        settings: &config::Oidc,
        subject: &str,
    ) -> String {
        let asked = async {
            let url = metadata.userinfo_endpoint()?.as_str();
            let bearer = format!("Bearer {}", answer.access_token().secret());
            let request = Request::get(url).header(AUTHORIZATION, bearer).header(ACCEPT, "application/json");
            let said = self.http.send(request.body(Vec::new()).ok()?).await.ok()?;
            let said: Value = serde_json::from_slice(said.body()).ok()?;
            // It must be about the same person (§5.3.2).
            (said["sub"] == subject).then(|| named(&said, &settings.claim))?
        };
        asked.await.unwrap_or_else(|| shortened(subject))
    }
}

fn client(
    settings: &config::Oidc,
    metadata: &CoreProviderMetadata,
    secret: Option<&str>,
    redirect: &str,
) -> Result<Client, ProviderError> {
    let secret = secret.map(|s| ClientSecret::new(s.to_owned()));
    let redirect = RedirectUrl::new(redirect.to_owned()).map_err(|e| down(&e))?;
    let id = ClientId::new(settings.client_id.clone());
    let client = CoreClient::from_provider_metadata(metadata.clone(), id, secret).set_redirect_uri(redirect);
    let methods = metadata.token_endpoint_auth_methods_supported();
    let only_post = methods.is_some_and(|m| {
        m.contains(&CoreClientAuthMethod::ClientSecretPost)
            && !m.contains(&CoreClientAuthMethod::ClientSecretBasic)
    });
    Ok(if only_post { client.set_auth_type(AuthType::RequestBody) } else { client })
}

/// Why an ID token is not taken.
enum Unverified {
    /// No key that is known has signed it.
    Signature,
    Other(String),
}

impl Unverified {
    fn said(self) -> String {
        match self {
            Self::Signature => "the signature of its ID token is not good".to_owned(),
            Self::Other(why) => why,
        }
    }
}

/// The claims of a token whose signature, issuer, audience, nonce and times are
/// good (OpenID Connect Core 1.0 §3.1.3.7).
fn verified<'t>(
    client: &Client,
    answer: &CoreTokenResponse,
    token: &'t CoreIdToken,
    nonce: &str,
    now: Timestamp,
) -> Result<&'t CoreIdTokenClaims, Unverified> {
    let since = Duration::from_micros(now.as_microsecond().unsigned_abs());
    let now = SystemTime::UNIX_EPOCH + since;
    let verifier = client.id_token_verifier().set_allowed_algs(ALGORITHMS).set_time_fn(move || now.into());
    let other = |e: &dyn std::fmt::Display| Unverified::Other(e.to_string());
    let claims = token.claims(&verifier, &Nonce::new(nonce.to_owned())).map_err(|e| match e {
        ClaimsVerificationError::SignatureVerification(_) => Unverified::Signature,
        e => other(&e),
    })?;
    if let Some(expected) = claims.access_token_hash() {
        let (algorithm, key) = (token.signing_alg(), token.signing_key(&verifier));
        let (algorithm, key) = (algorithm.map_err(|e| other(&e))?, key.map_err(|e| other(&e))?);
        let found = AccessTokenHash::from_token(answer.access_token(), algorithm, key);
        if found.map_err(|e| other(&e))? != *expected {
            return Err(Unverified::Other("its tokens do not belong together".to_owned()));
        }
    }
    Ok(claims)
}

/// What a token that was verified says, also beside the standard's claims.
fn payload(token: &CoreIdToken) -> Value {
    let text = token.to_string();
    let middle = text.split('.').nth(1).and_then(|part| URL_SAFE_NO_PAD.decode(part).ok());
    middle.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
}

fn named(claims: &Value, claim: &str) -> Option<String> {
    claims.get(claim)?.as_str().map(shortened).filter(|name| !name.is_empty())
}

fn shortened(name: &str) -> String {
    crate::portal::office::clean_name(name.trim()).chars().take(NAME).collect()
}
