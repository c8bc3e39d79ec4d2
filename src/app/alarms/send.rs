//! Telling people: a document posted to an address, a letter to the mail server.

use std::time::Duration;

use lettre::message::header::ContentType;
use lettre::transport::smtp::authentication::Credentials;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};

use crate::app::https;
use crate::config::Mail;

/// Longest time for one try.
const PATIENCE: Duration = Duration::from_secs(20);
/// Waits between tries: whoever is not told within an hour will have noticed.
const WAITS: [u64; 6] = [2, 10, 60, 300, 900, 1800];

/// What is told.
#[derive(Debug, Clone)]
pub(super) struct Notice {
    /// In one line.
    pub(super) title: String,
    /// In words.
    pub(super) text: String,
    /// For machines.
    pub(super) document: serde_json::Value,
}

/// Posts it to the address, again until it was taken.
pub(super) async fn post(url: String, notice: Notice) {
    until_taken("posted", || try_to_post(&url, &notice)).await;
}

/// Gives it to the mail server, again until it was taken.
pub(super) async fn mail(to: Mail, notice: Notice) {
    until_taken("mailed", || try_to_mail(&to, &notice)).await;
}

async fn until_taken<F: Future<Output = Result<(), String>>>(done: &str, attempt: impl Fn() -> F) {
    for wait in WAITS.into_iter().map(Some).chain([None]) {
        let error = match tokio::time::timeout(PATIENCE, attempt()).await {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error,
            Err(_) => format!("no answer within {} s", PATIENCE.as_secs()),
        };
        tracing::warn!(error, "an alarm could not be {done}");
        let Some(wait) = wait else { break };
        tokio::time::sleep(Duration::from_secs(wait)).await;
    }
}

async fn try_to_post(url: &str, notice: &Notice) -> Result<(), String> {
    match https::post(url, "application/json", notice.document.to_string()).await {
        Ok((status, _)) if status.is_success() => Ok(()),
        Ok((status, _)) => Err(format!("it answered {status}")),
        Err(error) => Err(format!("{error:#}")),
    }
}

async fn try_to_mail(to: &Mail, notice: &Notice) -> Result<(), String> {
    let said = |e: lettre::address::AddressError| e.to_string();
    let mut letter = Message::builder().from(to.from.parse().map_err(said)?).subject(&notice.title);
    for address in &to.to {
        letter = letter.to(address.parse().map_err(said)?);
    }
    let letter =
        letter.header(ContentType::TEXT_PLAIN).body(notice.text.clone()).map_err(|e| e.to_string())?;
    let mut server = AsyncSmtpTransport::<Tokio1Executor>::from_url(&to.server)
        .map_err(|e| e.to_string())?
        .timeout(Some(PATIENCE));
    if let Some((user, file)) = &to.account {
        let password =
            tokio::fs::read_to_string(file).await.map_err(|e| format!("{}: {e}", file.display()))?;
        server = server.credentials(Credentials::new(user.clone(), password.trim_end().to_owned()));
    }
    server.build().send(letter).await.map(drop).map_err(|e| e.to_string())
}
