//! The demo county: what it shows, says and schedules, as data and text.
//!
//! The pages and texts are pure; the studio in `pipeline` films and broadcasts them.

pub mod content;
pub mod county;
mod county_toml;
pub mod panorama;
mod run;
pub mod schedules;
pub mod slides;
pub mod stations;
mod studio;
mod toml_text;

pub use content::{DemoLesson, Slide, espeak_pace, espeak_voice, lessons};
pub use county::{DemoCounty, Params, tokens};
pub use county_toml::county_toml;
pub use panorama::{badge_svg, panorama_svg};
pub(super) use run::{DemoOptions, run};
pub use schedules::{relay_schedule_toml, schedule_toml};
pub use slides::slide_svg;
pub use stations::{Station, stations};
