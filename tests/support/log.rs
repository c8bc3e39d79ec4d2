//! The log of evidence from outside: how long it is, exports of it, and checking them.

use std::path::Path;

use super::county::County;
use super::http::Client;
use super::process::{Program, yuanjiao};
use super::server::PATIENCE;
use super::time::{now, wait_for};

/// The size that the newest checkpoint says.
pub(crate) fn size(client: &Client) -> Option<u64> {
    let answer = client.get("/log/checkpoint");
    (answer.status == 200).then(|| answer.text().lines().nth(1)?.parse().ok()).flatten()
}

/// Waits until so many entries are signed.
pub(crate) fn logged(client: &Client, at_least: u64) {
    wait_for("entries in the log", PATIENCE, || size(client).filter(|n| *n >= at_least));
}

/// Runs `yuanjiao evidence …`; its exit code, and what it said.
pub(crate) fn evidence(args: &[&str]) -> (i32, String) {
    let ended = Program::start(yuanjiao(["evidence"]).args(args)).finish(PATIENCE);
    (ended.code().unwrap_or(-1), format!("{}{}", ended.text(), ended.err.join("\n")))
}

/// Exports the days around today.
pub(crate) fn try_export(county: &County, format: &str, out: &Path) -> (i32, String) {
    let day = |days: i64| (now() + jiff::SignedDuration::from_hours(24 * days)).to_string()[..10].to_owned();
    let (from, to, config) = (day(-1), day(1), county.config());
    let (config, out) = (config.to_string_lossy(), out.to_string_lossy());
    evidence(&[
        "export", "--config", &config, "--from", &from, "--to", &to, "--format", format, "--out", &out,
    ])
}

/// The same, which must not fail; what it said.
pub(crate) fn export(county: &County, format: &str, out: &Path) -> String {
    let (code, said) = try_export(county, format, out);
    assert_eq!(code, 0, "{said}");
    said
}

/// Checks an export.
pub(crate) fn verify(file: &Path, more: &[&str]) -> (i32, String) {
    let file = file.to_string_lossy();
    evidence(&[&["verify", &*file], more].concat())
}
