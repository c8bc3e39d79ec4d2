//! Wiring: the command line, who owns which task, start and stop order.

pub mod cli;

mod logging;
mod worker;
