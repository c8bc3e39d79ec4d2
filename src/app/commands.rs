//! Commands that need no server.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use jiff::{SignedDuration, Timestamp};

use crate::base::{ChannelId, Clock, Lang, LessonId, Problem, Problems, SystemClock, Titles};
use crate::config::County;
use crate::courseware::Library;
use crate::guide::{self, ChannelInfo, Listing};
use crate::hls::About;
use crate::hls::wire::PackageLine;
use crate::people::{AccountState, AuditEntry, Code, Invitation, InvitationKind, Login};
use crate::pipeline::{LadderRung, PackageJob, PackageStep, package};
use crate::portal::schedule_names;
use crate::schedule::{Folder, Plans, Report};
use crate::store::Store;

use super::keys;

/// The format of `yuanjiao guide`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum GuideFormat {
    /// XMLTV.
    Xmltv,
    /// IPTV list.
    M3u,
    /// iCalendar.
    Ics,
    /// JSON.
    Json,
}

/// Validates configuration and schedules; prints every problem and returns how many.
pub(super) fn check(config: &Path) -> anyhow::Result<usize> {
    let mut out = std::io::stdout().lock();
    let county = match crate::config::load(config) {
        Ok(county) => county,
        Err(Problems(problems)) => {
            for problem in &problems {
                writeln!(out, "{problem}")?;
            }
            return Ok(problems.len());
        }
    };
    let (_, report) = plans(&county)?;
    for problem in &report.problems {
        writeln!(out, "{problem}")?;
    }
    for Problem { file, line, column, message, .. } in &report.warnings {
        writeln!(out, "{}:{line}:{column}: warning: {message}", file.display())?;
    }
    if report.problems.is_empty() {
        let registry = &county.registry;
        writeln!(
            out,
            "{}: good: {} channels, {} relays, {} sites, {} terminals",
            config.display(),
            county.channels.len(),
            county.relays.len(),
            registry.sites.len(),
            registry.terminals.len()
        )?;
    }
    Ok(report.problems.len())
}

fn plans(county: &County) -> anyhow::Result<(Plans, Report)> {
    let mut folder = Folder::default();
    let names = schedule_names(county, &library(county).catalogue());
    let report = folder
        .look(&county.schedules, &county.tz, &names.known(), true)
        .with_context(|| format!("reading schedules in {}", county.schedules.display()))?;
    Ok((folder.plans(), report))
}

/// The library, if there is one, without touching it.
fn library(county: &County) -> Library {
    Library::read(&county.media.join("library"))
}

/// How long its lessons play.
fn lessons(county: &County) -> Vec<(LessonId, Duration)> {
    let catalogue = library(county).catalogue();
    catalogue.lessons().map(|(id, p)| (id.clone(), p.manifest.duration())).collect()
}

/// Prints the guide.
pub(super) fn guide(
    config: &Path,
    format: GuideFormat,
    channel: Option<&ChannelId>,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
) -> anyhow::Result<()> {
    let county = crate::config::load(config)?;
    let (plans, report) = plans(&county)?;
    if !report.problems.is_empty() {
        return Err(Problems(report.problems).into());
    }
    let now = SystemClock::new().now();
    let (from, to) = (from.unwrap_or(now), to.unwrap_or(now + SignedDuration::from_hours(48)));
    let lengths = lessons(&county);
    let length = |id: &LessonId| lengths.iter().find(|(l, _)| l == id).map(|(_, d)| *d);
    let chosen = county.channels.iter().filter(|c| channel.is_none_or(|id| *id == c.id));
    let infos: Vec<(ChannelInfo, Listing)> = chosen
        .filter_map(|c| {
            let (id, names, lang) = (c.id.clone(), c.names.clone(), c.lang.clone());
            let info = ChannelInfo { id, number: c.number, names, lang, logo: None };
            let listing = guide::listing(&info, plans.get(&c.id)?, from, to, &length);
            Some((info, listing))
        })
        .collect();
    if infos.is_empty() {
        let wanted = channel.map_or("any channel".to_owned(), |c| format!("channel `{c}`"));
        anyhow::bail!("there is no schedule for {wanted} in {}", county.schedules.display());
    }
    let base = county.public_url.clone().unwrap_or_else(|| format!("http://{}", county.listen));
    let (infos, listings): (Vec<_>, Vec<_>) = infos.into_iter().unzip();
    let text = match format {
        GuideFormat::Xmltv => guide::xmltv(&listings, &county.tz, &base),
        GuideFormat::M3u => guide::m3u(&infos, &base, "", county.catch_up().as_hours() / 24),
        GuideFormat::Ics => listings.iter().map(|l| guide::ics(l, &l.lang, now)).collect(),
        GuideFormat::Json => format!("{:#}\n", guide::json(&listings)),
    };
    Ok(std::io::stdout().lock().write_all(text.as_bytes())?)
}

/// Packages files without a server; returns how many could not be.
pub(super) fn package_files(
    files: &[PathBuf],
    out: &Path,
    titles: &[(Lang, String)],
    json: bool,
) -> anyhow::Result<usize> {
    std::fs::create_dir_all(out).with_context(|| format!("making {}", out.display()))?;
    let mut failed = 0;
    for file in files {
        let id = crate::courseware::lesson_id(file);
        let name = file.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
        let languages = ["zh-Hans", "ug-Arab", "kk-Cyrl", "ky-Cyrl", "mn-Mong"];
        let languages: Vec<Lang> = languages.iter().filter_map(|l| Lang::new(l).ok()).collect();
        let own = Titles(languages.first().map(|l| (l.clone(), name)).into_iter().collect());
        let rung = |(name, height, kbps): (&str, u32, u32)| LadderRung { name: name.into(), height, kbps };
        let titles = if titles.is_empty() { own } else { Titles(titles.iter().cloned().collect()) };
        let job = PackageJob {
            id: id.to_string(),
            input: std::path::absolute(file)?,
            side_audio: Vec::new(),
            subtitles: Vec::new(),
            card: languages.first().map(|lang| guide::title_card(&titles, lang)),
            about: About { titles, ..About::default() },
            out: std::path::absolute(out)?,
            ladder: [("v720", 720, 1500), ("v480", 480, 800), ("v240", 240, 300)].map(rung).to_vec(),
            audio_kbps: 48,
            languages,
            early: false,
            hardware: true,
            unnamed: false,
        };
        let mut bar = Bar::new(file, json);
        let made = package(&job, &mut |step| {
            if let PackageStep::Progress(stage, percent) = step {
                bar.show(stage, percent);
            }
        });
        failed += usize::from(made.is_err());
        bar.end(match made {
            Ok(manifest) => PackageLine::Done { manifest: Box::new(manifest) },
            Err(e) => PackageLine::Failed { reason: e.reason(), detail: format!("{e:?}") },
        })?;
    }
    Ok(failed)
}

/// Progress: a bar on a terminal, JSON lines if asked for.
struct Bar<'a> {
    file: &'a Path,
    json: bool,
    drawn: bool,
    last: f64,
}

impl<'a> Bar<'a> {
    fn new(file: &'a Path, json: bool) -> Self {
        Self { file, json, drawn: !json && std::io::stderr().is_terminal(), last: -1.0 }
    }

    fn show(&mut self, stage: &str, percent: f64) {
        if percent - self.last < 1.0 {
            return;
        }
        self.last = percent;
        if self.json {
            let line = PackageLine::Progress { stage: stage.to_owned(), percent };
            // Who closed the pipe does not want to know.
            let _ = serde_json::to_string(&line).map(|l| writeln!(std::io::stdout(), "{l}"));
        } else if self.drawn {
            let full = (percent / 2.5) as usize;
            let _ = write!(
                std::io::stderr(),
                "\r{} [{}{}] {percent:3.0} % {stage:<10}",
                self.file.display(),
                "█".repeat(full.min(40)),
                "·".repeat(40 - full.min(40))
            );
        }
    }

    fn end(self, line: PackageLine) -> anyhow::Result<()> {
        if self.drawn {
            writeln!(std::io::stderr())?;
        }
        let mut out = std::io::stdout().lock();
        match (&line, self.json) {
            (_, true) => writeln!(out, "{}", serde_json::to_string(&line)?)?,
            (PackageLine::Done { manifest }, _) => {
                let (id, s) = (&manifest.id, manifest.duration().as_secs_f64());
                writeln!(
                    out,
                    "{}: packaged as {id}: {s:.1} s, {} renditions",
                    self.file.display(),
                    manifest.tracks.len()
                )?;
            }
            (PackageLine::Failed { reason, .. }, _) => writeln!(out, "{}: {reason}", self.file.display())?,
            _ => {}
        }
        Ok(())
    }
}

/// Makes a terminal's token.
pub(super) fn token() -> anyhow::Result<()> {
    let token = hex::encode(keys::random::<24>()?);
    let hash = hex::encode(crate::sites::TokenHash::of(&token).0);
    let mut out = std::io::stdout().lock();
    writeln!(out, "for the device:        {token}")?;
    writeln!(out, "for the county's file: token_sha256 = \"{hash}\"")?;
    Ok(())
}

/// Makes a one-time code for an account and prints it.
pub(super) fn code(config: &Path, login: &str) -> anyhow::Result<()> {
    let county = crate::config::load(config)?;
    let login = Login::new(login)?;
    let path = county.data.join("yuanjiao.db");
    anyhow::ensure!(path.exists(), "{} is not there: has the server ever run?", path.display());
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let code = Code::from_random(keys::random()?);
    runtime.block_on(async {
        let store = Store::open(&path)?;
        let found = store.account_by_login(login.clone()).await?;
        let Some((account, _)) = found else { anyhow::bail!("nobody signs in as `{}`", login.as_str()) };
        anyhow::ensure!(
            account.state != AccountState::Disabled,
            "the account `{}` is closed: an administrator can open it again in the office",
            login.as_str()
        );
        let now = SystemClock::new().now();
        let entry = AuditEntry {
            at: now,
            who: None,
            via: String::new(),
            what: "code-given".to_owned(),
            subject: format!("account/{}", account.id),
            before: String::new(),
            after: "on the server's command line".to_owned(),
        };
        let invitation = Invitation::new(code.hash(), account.id, InvitationKind::Reset, now);
        anyhow::ensure!(store.add_invitation(invitation, entry).await?, "the account was closed meanwhile");
        Ok(())
    })?;
    writeln!(std::io::stdout().lock(), "{}", code.shown())?;
    Ok(())
}
