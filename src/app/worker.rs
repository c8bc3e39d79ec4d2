//! `yuanjiao worker …`: the processes that touch media.
//!
//! A worker reads its job as one JSON line on standard input and lives until
//! that input closes: when the server dies, so do its workers.

use std::io::{BufRead, Write};

use anyhow::Context;
use serde::de::DeserializeOwned;

use crate::base::SystemClock;
use crate::courseware::{PaperJob, UnpackJob, look_at, unpack};
use crate::hls::wire::{PackageLine, RelayOrder};
use crate::pipeline::studio::{BroadcastJob, FilmJob, broadcast, film};
use crate::pipeline::{
    PackageJob, PackageStep, PipelineError, SlateJob, look, package, ready_for_files, run_relay, slate,
    take_stills, title_asked_for,
};

use super::confine::{confine, reach, without_network};

/// A worker that takes pictures ends when it was not asked for one for so long.
const UNUSED: std::time::Duration = std::time::Duration::from_secs(60);

/// Which worker to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum WorkerKind {
    /// MPEG-TS in, a live window out.
    Relay,
    /// A media file in, a package out.
    Package,
    /// Says what a process that packages can reach on this machine.
    Reach,
    /// A picture in, a slate's package out.
    Slate,
    /// Segments in, pictures of them out, until nobody asks for a minute.
    Still,
    /// Segments of relays in, what is to be seen and heard in them out.
    Look,
    /// A document in, what it says of itself out.
    Paper,
    /// An archive in, the files in it out.
    Unpack,
    /// Slides and speech in, a lesson's file out (demo).
    Film,
    /// An endless MPEG-TS broadcast (demo).
    Broadcast,
}

/// Runs the worker to its end.
pub(super) fn run(kind: WorkerKind) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    match kind {
        WorkerKind::Relay => {
            let (sender, orders) = std::sync::mpsc::channel();
            let job = job_and(move |line| {
                // What we do not understand we do not do; the server is of our own version.
                let _ = serde_json::from_str(line).map(|order: RelayOrder| sender.send(order));
            })?;
            run_relay(&job, &orders, &SystemClock::new(), &mut out)?;
        }
        WorkerKind::Package => {
            // Before there is another thread.
            let mut lacks = without_network();
            let job = job::<PackageJob>()?;
            ready_for_files()?;
            lacks.extend(confine(&job.inputs(), &[&job.out]));
            tell(&PackageLine::Confined { lacks });
            if let Some(title) = title_asked_for(&job) {
                tell(&PackageLine::Called { title });
                return Ok(());
            }
            let mut last = -1.0;
            let made = package(&job, &mut |step| match step {
                PackageStep::Progress(stage, percent) if percent - last >= 0.1 => {
                    last = percent;
                    tell(&PackageLine::Progress { stage: stage.to_owned(), percent });
                }
                PackageStep::Progress(..) => {}
                PackageStep::Playable(manifest) => tell(&PackageLine::Playable { manifest }),
            });
            answer(&mut out, made)?;
        }
        WorkerKind::Reach => {
            let lacks = without_network();
            let reached = reach(&job()?, lacks);
            writeln!(out, "{}", serde_json::to_string(&reached)?)?;
        }
        WorkerKind::Slate => answer(&mut out, slate(&job::<SlateJob>()?))?,
        WorkerKind::Still => take_stills(jobs(Some(UNUSED)), &mut out)?,
        WorkerKind::Look => look(jobs(None), &mut out)?,
        WorkerKind::Paper => {
            // Before there is another thread.
            without_network();
            let job = job::<PaperJob>()?;
            confine(std::slice::from_ref(&job.input), &[&job.out]);
            writeln!(out, "{}", serde_json::to_string(&look_at(&job))?)?;
        }
        WorkerKind::Unpack => {
            // Before there is another thread.
            without_network();
            let job = job::<UnpackJob>()?;
            confine(std::slice::from_ref(&job.input), &[&job.out]);
            writeln!(out, "{}", serde_json::to_string(&unpack(&job))?)?;
        }
        WorkerKind::Film => film(&job::<FilmJob>()?)?,
        WorkerKind::Broadcast => broadcast(&job::<BroadcastJob>()?, &|| false)?,
    }
    Ok(())
}

/// Jobs as they come in, one a line, until none has come for `unused`. Who looks remembers
/// what it saw: it lives as long as the server, however seldom it is asked.
fn jobs<T: DeserializeOwned + Send + 'static>(
    unused: Option<std::time::Duration>,
) -> impl Iterator<Item = T> {
    let (sender, jobs) = std::sync::mpsc::sync_channel(1);
    std::thread::spawn(move || {
        let jobs = std::io::stdin().lock().lines().map_while(Result::ok);
        let read = jobs.filter_map(|line| serde_json::from_str(&line).ok());
        for job in read {
            if sender.send(job).is_err() {
                break;
            }
        }
    });
    std::iter::from_fn(move || match unused {
        Some(unused) => jobs.recv_timeout(unused).ok(),
        None => jobs.recv().ok(),
    })
}

fn answer(out: &mut impl Write, made: Result<crate::hls::Manifest, PipelineError>) -> anyhow::Result<()> {
    let line = match made {
        Ok(manifest) => PackageLine::Done { manifest: Box::new(manifest) },
        Err(error) => PackageLine::Failed { reason: error.reason(), detail: format!("{error:?}") },
    };
    writeln!(out, "{}", serde_json::to_string(&line)?)?;
    Ok(out.flush()?)
}

fn tell(line: &PackageLine) {
    // The main thread holds standard output's lock; it is ours, and reentrant.
    let mut out = std::io::stdout().lock();
    if let Ok(text) = serde_json::to_string(line) {
        // A closed pipe means that the server is gone; the watcher below ends us.
        let _ = writeln!(out, "{text}").and_then(|()| out.flush());
    }
}

/// Reads the job, then watches for the end of standard input.
fn job<T: DeserializeOwned>() -> anyhow::Result<T> {
    job_and(|_| {})
}

/// The same; what comes after the job is handed on, line by line.
fn job_and<T: DeserializeOwned>(mut hear: impl FnMut(&str) + Send + 'static) -> anyhow::Result<T> {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).context("reading the job from standard input")?;
    let job = serde_json::from_str(&line).context("standard input should hold the job as one JSON line")?;
    std::thread::Builder::new().name("parent".into()).spawn(move || {
        let mut rest = String::new();
        while std::io::stdin().lock().read_line(&mut rest).is_ok_and(|n| n > 0) {
            hear(&rest);
            rest.clear();
        }
        std::process::exit(0);
    })?;
    Ok(job)
}
