//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Parser, Subcommand};
use jiff::Timestamp;
use jiff::civil::Date;

use crate::base::{ChannelId, Lang, SystemClock};

use super::commands::{self, GuideFormat};
use super::demo::{self, DemoOptions};
use super::evidence::{self, ExportFormat};
use super::serve::Server;
use super::worker::{self, WorkerKind};
use super::{logging, signals};

/// Broadcast and courseware server for the distance education of one county.
///
/// Exit codes: 0 good, 1 the input is bad, 2 the command line is bad, 70 a
/// defect of the program.
#[derive(Debug, Parser)]
#[command(name = "yuanjiao", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the county. Ready when /readyz answers 200; SIGHUP reads the configuration again,
    /// SIGTERM lets requests under way finish and exits 0.
    Serve {
        /// The county's file. Relative paths in it are relative to it.
        #[arg(long, default_value = "config/county.toml")]
        config: PathBuf,
        /// Listen here instead of where the file says, such as 0.0.0.0:8080.
        #[arg(long)]
        listen: Option<SocketAddr>,
        /// Keep store and keys here instead of where the file says.
        #[arg(long)]
        data: Option<PathBuf>,
    },
    /// Serve a generated county: two live stations, lessons in several languages, a schedule, sites.
    Demo {
        /// Listen here; port 0 takes a free one.
        #[arg(long, default_value = "0.0.0.0:8080")]
        listen: SocketAddr,
        /// Keep the county in this folder; without it, in a folder that is removed at the end.
        #[arg(long)]
        data: Option<PathBuf>,
        /// Write address and a terminal's token here, as JSON, once every lesson is packaged.
        #[arg(long)]
        ready_file: Option<PathBuf>,
    },
    /// Validate configuration and schedules; every problem is printed as file:line:column: message.
    Check {
        /// The county's file.
        #[arg(long, default_value = "config/county.toml")]
        config: PathBuf,
    },
    /// Package media files without a server.
    Package {
        /// The files; each becomes a lesson named after it.
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// The library to put the packages in.
        #[arg(long)]
        out: PathBuf,
        /// A title, such as zh-Hans=葡萄栽培; once per language.
        #[arg(long = "title", value_name = "LANG=TEXT", value_parser = title)]
        titles: Vec<(Lang, String)>,
        /// Say progress and result as JSON lines.
        #[arg(long)]
        json: bool,
    },
    /// Print the guide.
    Guide {
        /// The county's file.
        #[arg(long, default_value = "config/county.toml")]
        config: PathBuf,
        /// Its format.
        #[arg(long)]
        format: GuideFormat,
        /// This channel only.
        #[arg(long)]
        channel: Option<ChannelId>,
        /// From this instant (RFC 3339); now by default.
        #[arg(long)]
        from: Option<Timestamp>,
        /// To this instant (RFC 3339); two days on by default.
        #[arg(long)]
        to: Option<Timestamp>,
    },
    /// Make a one-time code with which the holder of an account chooses a new password at /code;
    /// for an administrator who has forgotten his, also while the server runs.
    Code {
        /// The county's file.
        #[arg(long, default_value = "config/county.toml")]
        config: PathBuf,
        /// The name the account signs in with.
        login: String,
    },
    /// Make a token for a terminal: the token for the device, its hash for the county's file.
    Token,
    /// The evidence: export it, verify an export.
    #[command(subcommand)]
    Evidence(Evidence),
    /// Internal: a process of the server that touches media.
    #[command(hide = true)]
    Worker {
        /// Which worker.
        kind: WorkerKind,
    },
}

#[derive(Debug, Subcommand)]
enum Evidence {
    /// Write what was logged on some days into a file, with its proof; also while the server
    /// runs.
    Export {
        /// The county's file.
        #[arg(long, default_value = "config/county.toml")]
        config: PathBuf,
        /// Where store and keys are, if not where the file says.
        #[arg(long)]
        data: Option<PathBuf>,
        /// The first day, such as 2026-01-01, where the county is.
        #[arg(long)]
        from: Date,
        /// The last day, included.
        #[arg(long)]
        to: Date,
        /// Its form.
        #[arg(long)]
        format: ExportFormat,
        /// The file.
        #[arg(long)]
        out: PathBuf,
        /// An earlier checkpoint: the proof that the log continues it is written as well.
        #[arg(long)]
        since: Option<PathBuf>,
    },
    /// Check an export without the server that made it: exit code 1, and which record, if
    /// anything was altered, added or left out.
    Verify {
        /// The export; of a table, the proof must lie beside it.
        file: PathBuf,
        /// The county's key, as its server shows it at /log/key. Without it, the key in the
        /// export is believed.
        #[arg(long)]
        key: Option<PathBuf>,
        /// An earlier checkpoint, such as one that was printed: the log must continue it.
        #[arg(long)]
        since: Option<PathBuf>,
        /// The key of a witness, as its server shows it at /log/witness-key; may be repeated.
        #[arg(long = "witness")]
        witnesses: Vec<PathBuf>,
    },
}

fn title(text: &str) -> Result<(Lang, String), String> {
    let (lang, title) = text.split_once('=').ok_or("expected LANG=TEXT, such as zh-Hans=葡萄栽培")?;
    Ok((Lang::new(lang).map_err(|e| e.to_string())?, title.to_owned()))
}

/// Exit code for bad input.
const BAD_INPUT: u8 = 1;
/// Exit code for a defect of ours (EX_SOFTWARE).
const DEFECT: u8 = 70;

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    match std::panic::catch_unwind(|| run(cli.command)) {
        Ok(Ok(code)) => code,
        Ok(Err(error)) => {
            #[expect(clippy::print_stderr, reason = "the command's answer to its user")]
            {
                eprintln!("yuanjiao: {error:#}");
            }
            ExitCode::from(BAD_INPUT)
        }
        // The panic has printed itself.
        Err(_) => ExitCode::from(DEFECT),
    }
}

fn run(command: Command) -> anyhow::Result<ExitCode> {
    let verdict = |bad: usize| if bad == 0 { ExitCode::SUCCESS } else { ExitCode::from(BAD_INPUT) };
    match command {
        Command::Serve { config, listen, data } => serve(config, listen, data).map(|()| ExitCode::SUCCESS),
        Command::Demo { listen, data, ready_file } => {
            logging::start();
            runtime()?.block_on(demo::run(DemoOptions { listen, data, ready_file }))?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Check { config } => commands::check(&config).map(verdict),
        Command::Package { files, out, titles, json } => {
            commands::package_files(&files, &out, &titles, json).map(verdict)
        }
        Command::Guide { config, format, channel, from, to } => {
            commands::guide(&config, format, channel.as_ref(), from, to).map(|()| ExitCode::SUCCESS)
        }
        Command::Code { config, login } => commands::code(&config, &login).map(|()| ExitCode::SUCCESS),
        Command::Token => commands::token().map(|()| ExitCode::SUCCESS),
        Command::Evidence(Evidence::Export { config, data, from, to, format, out, since }) => {
            evidence::export(&config, data, (from, to), (format, &out), since.as_deref())
                .map(|()| ExitCode::SUCCESS)
        }
        Command::Evidence(Evidence::Verify { file, key, since, witnesses }) => {
            let good = evidence::check(&file, key.as_deref(), since.as_deref(), &witnesses)?;
            Ok(verdict(usize::from(!good)))
        }
        Command::Worker { kind } => worker::run(kind).map(|()| ExitCode::SUCCESS),
    }
}

fn serve(config: PathBuf, listen: Option<SocketAddr>, data: Option<PathBuf>) -> anyhow::Result<()> {
    logging::start();
    let mut county = crate::config::load(&config)?;
    county.listen = listen.unwrap_or(county.listen);
    county.data = data.unwrap_or(county.data);
    let public_url = county.public_url.clone();
    runtime()?.block_on(async {
        let server = Server::start(county, &config, Arc::new(SystemClock::new())).await?;
        tracing::info!(address = %server.address, "serving at http://{}", server.address);
        if let Some(code) = &server.setup_code {
            let base = public_url.unwrap_or_else(|| format!("http://{}", server.address));
            tracing::info!("nobody has an account yet: open {base}/setup and enter the code {code}");
        }
        signals::until_told_to_stop(|| server.reload()).await?;
        server.stop().await;
        tracing::info!("stopped");
        Ok(())
    })
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build()?)
}
