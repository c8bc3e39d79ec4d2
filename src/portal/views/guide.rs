//! The guide of a day, channels side by side.

use askama::Template;
use jiff::civil::Date;

use super::context::PageContext;
use super::model::{ChannelCard, ProgrammeKind, ProgrammeView};

/// A page with more programmes than this writes out only the open hour and
/// the two after it, the rest as links: a phone on a bad line should not wait
/// for a day of five-minute slots.
const WHOLE_DAY: usize = 600;

/// A channel's day with no more programmes than this is shown open, whole.
const SHORT_DAY: usize = 40;

/// The guide of a day.
#[derive(Debug, Clone)]
pub struct GuidePage {
    /// The day, in the county.
    pub date: Date,
    /// The hour asked for by `?hour=`, 0 to 23.
    pub hour: Option<i8>,
    /// Channels in the order of their numbers, with that day's programmes.
    pub channels: Vec<(ChannelCard, Vec<ProgrammeView>)>,
}

/// A channel's day by hours.
struct Column<'a> {
    card: &'a ChannelCard,
    hours: Vec<Hour<'a>>,
}

/// Programmes that start in one hour.
struct Hour<'a> {
    hour: i8,
    open: bool,
    /// Written as a link only.
    folded: bool,
    rows: Vec<Row<'a>>,
}

impl Hour<'_> {
    fn label(&self) -> String {
        format!("{:02}:00", self.hour)
    }
}

struct Row<'a> {
    programme: &'a ProgrammeView,
    class: &'static str,
    is_now: bool,
}

#[derive(Template)]
#[template(path = "guide.html")]
struct Html<'a> {
    page: &'a GuidePage,
    ctx: &'a PageContext<'a>,
    heading: String,
    columns: Vec<Column<'a>>,
}

impl GuidePage {
    /// The page as HTML.
    pub fn render(&self, ctx: &PageContext<'_>) -> Result<String, askama::Error> {
        let heavy = self.channels.iter().map(|(_, day)| day.len()).sum::<usize>() > WHOLE_DAY;
        let columns = self
            .channels
            .iter()
            .map(|(card, day)| Column { card, hours: self.hours(day, ctx, heavy) })
            .collect();
        Html { page: self, ctx, heading: ctx.t("guide-title"), columns }.render()
    }

    fn hours<'a>(&self, day: &'a [ProgrammeView], ctx: &PageContext<'_>, heavy: bool) -> Vec<Hour<'a>> {
        let mut hours: Vec<Hour<'a>> = Vec::new();
        for programme in day {
            let start = programme.start.to_zoned_datetime(ctx.tz.clone());
            // What began the day before stands at the top of the day.
            let hour = if start.date() < self.date { 0 } else { start.hour() };
            let row = row(programme, ctx);
            match hours.last_mut().filter(|h| h.hour == hour) {
                Some(last) => last.rows.push(row),
                None => hours.push(Hour { hour, open: false, folded: false, rows: vec![row] }),
            }
        }
        let open = self.open_hour(&hours, ctx);
        for hour in &mut hours {
            hour.open = open.is_none_or(|open| hour.hour == open);
            hour.folded = heavy && open.is_some_and(|open| !(open..open + 3).contains(&hour.hour));
        }
        hours
    }

    /// The hour asked for; else, on a long day, the one that holds the present
    /// or the first. None: all hours stand open.
    fn open_hour(&self, hours: &[Hour<'_>], ctx: &PageContext<'_>) -> Option<i8> {
        if self.hour.is_some() {
            return self.hour;
        }
        if hours.iter().map(|h| h.rows.len()).sum::<usize>() <= SHORT_DAY {
            return None;
        }
        let now = hours.iter().find(|h| h.rows.iter().any(|r| r.is_now)).map(|h| h.hour);
        let is_today = self.date == ctx.today();
        let clock = is_today.then(|| ctx.now.to_zoned_datetime(ctx.tz.clone()).hour());
        now.or(clock).or_else(|| hours.first().map(|h| h.hour))
    }

    /// Address of another day.
    fn at(&self, date: &Date) -> String {
        format!("/guide?date={date}")
    }

    fn previous(&self) -> Option<Date> {
        self.date.yesterday().ok()
    }

    fn next(&self) -> Option<Date> {
        self.date.tomorrow().ok()
    }
}

fn row<'a>(programme: &'a ProgrammeView, ctx: &PageContext<'_>) -> Row<'a> {
    let is_now = programme.covers(ctx.now);
    // One attribute for kind and time: a day may have thousands of rows.
    let class = match (programme.kind, programme.end <= ctx.now) {
        (ProgrammeKind::Relay, false) => "r",
        (ProgrammeKind::Relay, true) => "r past",
        (ProgrammeKind::Lesson, false) => "l",
        (ProgrammeKind::Lesson, true) => "l past",
        (ProgrammeKind::Preview, false) => "p",
        (ProgrammeKind::Preview, true) => "p past",
    };
    Row { programme, class, is_now }
}
