//! What every room may lean on: clock, identifiers, languages, intervals,
//! problems in files, and the signal to stop.
//!
//! Invariant: nothing here knows any other room.

pub mod bell;
pub mod child;
pub mod clock;
pub mod day;
pub mod disk;
pub(crate) mod document;
pub mod entries;
pub mod evening;
pub mod files;
pub mod holidays;
pub mod ids;
pub mod interval;
pub mod lang;
pub mod problem;
pub mod shutdown;
pub mod watch;
pub mod workbook;

pub use bell::Bell;
pub use child::WorkerProcess;
pub use clock::{Clock, SystemClock, instant};
pub use day::{day_of, day_span};
pub use disk::DiskSpace;
pub use evening::Evening;
pub use files::{move_file, replace_file, sha256_of, sha256_while, take_place};
pub(crate) use holidays::read_holidays;
pub use holidays::{DAY_NAMES, Holidays};
pub use ids::{AccountId, ChannelId, LessonId, RelayId, SessionId, SiteId, TerminalId, TopicId, TownshipId};
pub use interval::IntervalSet;
pub use lang::{Direction, Lang, Titles};
pub use problem::{Fault, Problem, Problems};
pub use shutdown::Shutdown;
pub use watch::watch_folder;
