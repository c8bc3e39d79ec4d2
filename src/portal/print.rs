//! Posters: a week of a channel as a page, and printed to PDF by the browser
//! that is installed beside the server, if one is.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use hyper::StatusCode;
use hyper::header::{CONTENT_DISPOSITION, RETRY_AFTER};
use jiff::civil::{Date, Weekday};
use sha2::{Digest, Sha256};

use crate::base::ChannelId;
use crate::guide::poster;

use super::pages::{HTML, PageError, day, param};
use super::qr::square;
use super::reply::{Reply, problem};
use super::state::Portal;
use super::views::{PageContext, Paper, PosterPage};

/// Longest time for one sheet.
const PATIENCE: Duration = Duration::from_secs(30);
/// Sheets that are kept; older ones go.
const KEPT: usize = 64;

/// Prints pages, one at a time.
#[derive(Debug)]
pub struct Printer {
    browser: Option<PathBuf>,
    /// Where sheets are kept.
    folder: PathBuf,
    /// Where the server answers on this machine.
    here: String,
    one: tokio::sync::Mutex<()>,
    /// The page that is being printed, under a name nobody else knows.
    page: Mutex<Option<(String, String)>>,
}

impl Printer {
    /// With the browser found in the system's path, if there is one.
    pub fn new(folder: PathBuf, address: std::net::SocketAddr) -> Self {
        let port = address.port();
        let here = match address.ip() {
            ip if ip.is_unspecified() => format!("http://127.0.0.1:{port}"),
            _ => format!("http://{address}"),
        };
        let path = std::env::var_os("PATH").unwrap_or_default();
        let named = ["chromium", "chromium-browser", "google-chrome-stable"];
        let browser =
            std::env::split_paths(&path).flat_map(|p| named.map(|n| p.join(n))).find(|p| p.is_file());
        Self { browser, folder, here, one: tokio::sync::Mutex::default(), page: Mutex::default() }
    }

    /// True if there is a browser to print with.
    pub(super) fn can_print(&self) -> bool {
        self.browser.is_some()
    }

    fn show(&self, page: Option<(String, String)>) {
        *self.page.lock().unwrap_or_else(PoisonError::into_inner) = page;
    }

    /// The sheet of a page: the same page is printed once.
    async fn sheet(&self, html: &str) -> Result<Vec<u8>, String> {
        let name = hex::encode(&Sha256::digest(html.as_bytes())[..16]);
        let file = self.folder.join(format!("{name}.pdf"));
        if let Ok(known) = tokio::fs::read(&file).await {
            return Ok(known);
        }
        let one = tokio::time::timeout(PATIENCE, self.one.lock()).await;
        let _one = one.map_err(|_| "others are being printed".to_owned())?;
        if let Ok(known) = tokio::fs::read(&file).await {
            return Ok(known);
        }
        tokio::fs::create_dir_all(&self.folder).await.map_err(|e| e.to_string())?;
        self.make_room();
        let mut secret = [0; 16];
        getrandom::fill(&mut secret).map_err(|e| e.to_string())?;
        let secret = hex::encode(secret);
        self.show(Some((secret.clone(), html.to_owned())));
        let printed = self.print(&format!("{}/print/{secret}", self.here)).await;
        self.show(None);
        tokio::fs::rename(printed?, &file).await.map_err(|e| e.to_string())?;
        tokio::fs::read(&file).await.map_err(|e| e.to_string())
    }

    async fn print(&self, url: &str) -> Result<PathBuf, String> {
        let browser = self.browser.as_ref().ok_or("no browser is installed")?;
        let part = self.folder.join("sheet.part");
        let mut command = tokio::process::Command::new(browser);
        command.args(["--headless", "--disable-gpu", "--no-first-run", "--disable-background-networking"]);
        command.args(["--disable-dev-shm-usage", "--no-pdf-header-footer", "--virtual-time-budget=8000"]);
        // Its sandbox needs another user than the system's first; what it opens is our own page.
        if std::fs::metadata("/proc/self").is_ok_and(|me| me.uid() == 0) {
            command.arg("--no-sandbox");
        }
        command.arg(format!("--user-data-dir={}", self.folder.join("profile").display()));
        command.arg(format!("--print-to-pdf={}", part.display())).arg(url);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
        let ended = tokio::time::timeout(PATIENCE, command.status()).await;
        let ended = ended.map_err(|_| format!("no sheet within {} s", PATIENCE.as_secs()))?;
        let ended = ended.map_err(|e| e.to_string())?;
        if ended.success() { Ok(part) } else { Err(format!("the browser ended with {ended}")) }
    }

    /// The oldest sheets go.
    fn make_room(&self) {
        let mut sheets: Vec<_> = std::fs::read_dir(&self.folder)
            .into_iter()
            .flatten()
            .filter_map(|e| Some(e.ok()?.path()))
            .filter(|p| p.extension().is_some_and(|e| e == "pdf"))
            .filter_map(|p| Some((std::fs::metadata(&p).ok()?.modified().ok()?, p)))
            .collect();
        sheets.sort();
        let over = sheets.len().saturating_sub(KEPT - 1);
        sheets.iter().take(over).for_each(|(_, path)| remove(path));
    }
}

fn remove(path: &Path) {
    if let Err(error) = std::fs::remove_file(path) {
        tracing::warn!(path = %path.display(), %error, "an old sheet could not be removed");
    }
}

impl Portal {
    /// `/channels/{id}/poster`.
    pub(super) fn poster_page(
        &self,
        ctx: &PageContext<'_>,
        (id, query, base_url): (&str, &str, &str),
    ) -> Result<String, PageError> {
        let id = ChannelId::new(id).map_err(|_| PageError::Unknown)?;
        let county = self.county.load();
        let channel = county.channels.iter().find(|c| c.id == id).ok_or(PageError::Unknown)?;
        let monday = match param(query, "week") {
            None => monday_of(ctx.today()),
            Some(text) => {
                let bad = || PageError::Bad(format!("expected week=2026-W48, found week={text}"));
                week(text).ok_or_else(bad)?
            }
        };
        let paper = param(query, "paper").map_or(Some(Paper::A4), Paper::named);
        let paper = paper.ok_or_else(|| PageError::Bad("expected paper=a4 or paper=a3".to_owned()))?;
        let (from, _) = day(monday, ctx.tz)?;
        let next = monday.checked_add(jiff::Span::new().days(7)).unwrap_or(monday);
        let (to, _) = day(next, ctx.tz)?;
        let listing = self.listing(channel, from, to);
        let url = format!("{base_url}/channels/{id}");
        let page = PosterPage {
            channel: channel.clone(),
            week: written(monday),
            monday,
            poster: poster(&listing, monday, ctx.tz, ctx.lang),
            paper,
            qr: square(&format!("{url}?lang={}", ctx.lang)).map_err(PageError::Ours)?,
            url,
            pdf: self.printer.can_print(),
        };
        Ok(page.render(ctx)?)
    }

    /// A poster's page as PDF.
    pub async fn printed(&self, page: Reply) -> Reply {
        if page.status != StatusCode::OK {
            return page;
        }
        if !self.printer.can_print() {
            let detail = "no browser is installed beside the server: print the page /channels/…/poster";
            return problem(StatusCode::NOT_FOUND, "Cannot be printed here", detail);
        }
        match self.printer.sheet(&String::from_utf8_lossy(&page.body)).await {
            Ok(bytes) => Reply::ok("application/pdf", bytes)
                .with(CONTENT_DISPOSITION, "inline; filename=\"poster.pdf\"")
                .cached("no-cache"),
            Err(error) => {
                tracing::error!(error, "a poster could not be printed");
                let detail = "the poster could not be printed now: print the page itself, or try again";
                problem(StatusCode::SERVICE_UNAVAILABLE, "Not printed", detail).with(RETRY_AFTER, "60")
            }
        }
    }

    /// What is being printed, for the browser that does it.
    pub fn being_printed(&self, name: &str) -> Option<Reply> {
        let page = self.printer.page.lock().unwrap_or_else(PoisonError::into_inner);
        let html = page.as_ref().filter(|(secret, _)| secret == name).map(|(_, html)| html.clone());
        html.map(|html| Reply::ok(HTML, html))
    }
}

fn monday_of(date: Date) -> Date {
    let days = i32::from(date.weekday().to_monday_zero_offset());
    date.checked_sub(jiff::Span::new().days(days)).unwrap_or(date)
}

/// The Monday of `2026-W48` (ISO 8601).
fn week(text: &str) -> Option<Date> {
    let (year, week) = text.split_once("-W")?;
    let (year, week) = (year.parse().ok()?, week.parse().ok()?);
    Some(jiff::civil::ISOWeekDate::new(year, week, Weekday::Monday).ok()?.date())
}

fn written(monday: Date) -> String {
    let week = monday.iso_week_date();
    format!("{}-W{:02}", week.year(), week.week())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weeks_are_those_of_iso_8601() {
        assert_eq!(week("2026-W48"), Some(jiff::civil::date(2026, 11, 23)));
        assert_eq!(written(jiff::civil::date(2026, 11, 23)), "2026-W48");
        assert_eq!(written(monday_of(jiff::civil::date(2027, 1, 1))), "2026-W53");
        assert_eq!((week("2026-W54"), week("2026-48"), week("")), (None, None, None));
    }
}
