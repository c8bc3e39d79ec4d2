//! Wiring: the command line, who owns which task, start and stop order.

pub mod cli;
pub mod demo;

mod alarms;
mod answer;
mod asked;
mod choices;
mod claiming;
mod commands;
mod compress;
mod confine;
mod events;
mod evidence;
mod files;
mod flushing;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod guarding;
mod https;
mod keeping;
mod keys;
mod lesson_files;
mod log_files;
mod logbook;
mod logging;
mod looks;
mod metrics;
mod on_air;
mod packaged;
mod planning;
mod publish;
mod query;
mod relays;
mod reload;
mod router;
mod serve;
mod signals;
mod slate_list;
mod slates;
mod television;
mod tls;
mod upkeep;
mod uploading;
mod watching;
mod worker;
