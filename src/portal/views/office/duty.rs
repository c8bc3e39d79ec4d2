//! The duty desk.

use jiff::Timestamp;

use super::Menu;
use crate::base::Titles;
use crate::portal::views::{ChannelCard, PackagingView, PageContext};
use crate::store::Event;

/// A relay, as the duty officer sees it.
#[derive(Debug, Clone)]
pub struct RelayRow {
    /// Its identifier.
    pub id: String,
    /// Its names.
    pub names: Titles,
    /// It has a picture now.
    pub live: bool,
    /// How old its newest segment is, seconds; none: there is none.
    pub age_s: Option<i64>,
    /// Which of its sources is in use, where there are several.
    pub source: Option<usize>,
    /// Errors of the feed since the worker started.
    pub continuity_errors: u64,
    /// What happened last.
    pub events: Vec<Event>,
}

impl RelayRow {
    fn at(&self, at: &Timestamp, ctx: &PageContext<'_>) -> String {
        at.to_zoned_datetime(ctx.tz.clone()).strftime("%m-%d %H:%M:%S").to_string()
    }
}

/// The page; it keeps itself fresh.
#[derive(Debug, Clone)]
pub struct DutyPage {
    /// The channels.
    pub channels: Vec<ChannelCard>,
    /// The relays.
    pub relays: Vec<RelayRow>,
    /// What is being packaged, or failed.
    pub packaging: Vec<PackagingView>,
    /// The office's rooms.
    pub menu: Menu,
}

const _: () = {
    use askama::Template;

    #[derive(Template)]
    #[template(path = "office/duty.html")]
    struct Html<'a> {
        page: &'a DutyPage,
        ctx: &'a PageContext<'a>,
        heading: String,
    }

    impl DutyPage {
        /// The page as HTML.
        pub fn render(&self, ctx: &PageContext<'_>) -> Result<String, askama::Error> {
            Html { page: self, ctx, heading: ctx.t("duty-title") }.render()
        }
    }
};
