//! `[recording]`: how much relays may record; `[alarms]`: who is told what has gone wrong.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::limits::Size;
use super::within;
use crate::base::Fault;
use crate::base::document::{At, Document, Fields};

/// How much of the disk recordings may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recording {
    /// Most bytes of all relays together, if there is such a limit.
    pub budget: Option<u64>,
    /// Bytes of the disk that stay free: with less, the oldest recordings go; with
    /// half of it, relays record their last minutes only.
    pub least_free: u64,
}

impl Default for Recording {
    fn default() -> Self {
        Self { budget: None, least_free: 2 << 30 }
    }
}

/// Who is told when a channel has lost its picture, and when it has it again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alarms {
    /// A channel may be on its slate, a relay on a backup, for so long.
    pub after: Duration,
    /// Where a JSON document is posted.
    pub webhook: Option<String>,
    /// To whom mail is sent.
    pub mail: Option<Mail>,
}

impl Default for Alarms {
    fn default() -> Self {
        Self { after: Duration::from_secs(60), webhook: None, mail: None }
    }
}

/// A mail server that takes our letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// `smtp://HOST:PORT`, `smtps://HOST:PORT`, or `smtp://HOST:PORT?tls=required`.
    pub server: String,
    /// Under which name we sign in there, and the file with the password.
    pub account: Option<(String, PathBuf)>,
    /// Whose letters they are.
    pub from: String,
    /// To whom they go.
    pub to: Vec<String>,
}

pub(super) fn recording(doc: &Document<'_>, f: Fields<'_, '_>) -> Recording {
    let usual = Recording::default();
    let budget = f.optional::<Size>("budget").map(|size| {
        let gib = 1 << 30;
        if size.value.0 < gib {
            doc.problem(size.at, Fault::Range, "a budget under 1GiB holds no recording worth the name");
        }
        size.value.0
    });
    let least_free = f.or("least_free", Size(usual.least_free)).value.0;
    f.close();
    Recording { budget, least_free }
}

pub(super) fn alarms(doc: &Document<'_>, f: Fields<'_, '_>, base_dir: &Path) -> Alarms {
    let usual = Alarms::default();
    let after = f.or("after", usual.after);
    let second = Duration::from_secs(1);
    let after = within(doc, after, second, 3600 * second, "who is told an hour later could look for himself");
    let given = |text: Option<At<String>>| text.filter(|t| !t.value.is_empty());
    let webhook = given(f.optional::<String>("webhook")).map(|url| {
        if !is_web(&url.value) {
            let message =
                format!("`{}` is not an address: expected \"https://…\" or \"http://…\"", url.value);
            doc.problem(url.at, Fault::Value, message);
        }
        url.value
    });
    let server = given(f.optional::<String>("smtp"));
    let account = f.optional::<String>("smtp_user").map(|user| user.value);
    let password = f.optional::<String>("smtp_password_file").map(|file| base_dir.join(file.value));
    let from = f.optional::<String>("from");
    let to = f.optional::<Vec<At<String>>>("to");
    f.close();
    let Some(server) = server else { return Alarms { after, webhook, mail: None } };
    if !server.value.starts_with("smtp://") && !server.value.starts_with("smtps://") {
        let message =
            format!("`{}` is not a mail server: expected \"smtp://mail.county.example:25\"", server.value);
        doc.problem(server.at, Fault::Value, message);
    }
    if account.is_some() != password.is_some() {
        doc.problem(server.at, Fault::Contradiction, "smtp_user and smtp_password_file belong together");
    }
    let address = |at: usize, text: String| {
        let plain = text.split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty());
        if !plain || text.contains(char::is_whitespace) {
            let message =
                format!("`{text}` is not a mail address: expected one such as \"duty@county.example\"");
            doc.problem(at, Fault::Value, message);
        }
        text
    };
    let missing =
        "smtp needs `from` and `to`, such as from = \"tv@county.example\", to = [\"duty@county.example\"]";
    let (Some(from), Some(to)) = (from, to) else {
        doc.problem(server.at, Fault::Missing, missing);
        return Alarms { after, webhook, mail: None };
    };
    if to.value.is_empty() {
        doc.problem(to.at, Fault::Empty, missing);
    }
    let from = address(from.at, from.value);
    let to = to.value.into_iter().map(|a| address(a.at, a.value)).collect();
    Alarms {
        after,
        webhook,
        mail: Some(Mail { server: server.value, account: account.zip(password), from, to }),
    }
}

fn is_web(url: &str) -> bool {
    let host = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://")).unwrap_or_default();
    !host.is_empty() && !host.starts_with('/') && !host.contains(char::is_whitespace)
}
