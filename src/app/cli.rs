//! The command line.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use super::worker::{self, WorkerKind};

/// Broadcast and courseware server for the distance education of one county.
#[derive(Debug, Parser)]
#[command(name = "yuanjiao", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Internal: a process of the server that touches media.
    #[command(hide = true)]
    Worker {
        /// Which worker.
        kind: WorkerKind,
    },
}

/// Exit code for bad input.
const BAD_INPUT: u8 = 1;

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let result = match cli.command {
        Command::Worker { kind } => worker::run(kind),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            #[expect(clippy::print_stderr, reason = "the command's answer to its user")]
            {
                eprintln!("yuanjiao: {error:#}");
            }
            ExitCode::from(BAD_INPUT)
        }
    }
}
