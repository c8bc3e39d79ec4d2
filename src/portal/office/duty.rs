//! The duty desk: what is on air, how the relays are, what is being prepared.

use jiff::SignedDuration;

use crate::config::Channel;
use crate::people::Rights;
use crate::portal::reply::Reply;
use crate::portal::state::Portal;
use crate::portal::views::{DutyChannel, DutyPage, HandView, Menu, PageContext, SourceView};
use crate::schedule::ProgrammeId;

use super::{Answer, html};

/// A relay whose newest segment ended longer ago than this has no picture.
pub(super) const LATE: SignedDuration = SignedDuration::from_secs(15);
/// Where there is no picture to be had.
pub(super) const NO_PICTURE: &str = "<svg xmlns='http://www.w3.org/2000/svg' width='320' height='180'>\
    <rect width='320' height='180' fill='#6b7280'/></svg>";

impl Portal {
    pub(super) async fn duty(&self, ctx: &PageContext<'_>, rights: &Rights<'_>) -> Answer {
        let (county, relays) = (self.county.load(), self.relay_rows(ctx).await?);
        let page = DutyPage {
            alarms: self.alarms(ctx).await,
            channels: county.channels.iter().map(|c| self.duty_channel(ctx, c)).collect(),
            relays,
            packaging: self.packaging(),
            menu: Menu::of(rights),
        };
        Ok(html(page.render(ctx)?))
    }

    /// A picture of what is on air.
    pub(super) async fn still(&self, id: &str) -> Answer {
        let channel = self.channel_named(id)?;
        Ok(match self.stills.of(&channel.id, self.clock.now()).await {
            Some(jpeg) => Reply::ok("image/jpeg", jpeg).cached("private, max-age=30"),
            None => Reply::ok("image/svg+xml", NO_PICTURE),
        })
    }

    /// A channel as the duty officer sees it.
    pub(super) fn duty_channel(&self, ctx: &PageContext<'_>, channel: &Channel) -> DutyChannel {
        let card = self.channel_card(channel, ctx.now);
        let timeline = self.channels.get(&channel.id).map(|c| c.timeline());
        let airings = timeline.as_ref().map_or(&[][..], |t| t.airings());
        let airing = airings.iter().rev().find(|a| a.start <= ctx.now);
        let programme = airing.and_then(|a| a.programme.as_ref());
        let first = airings.iter().find(|a| a.programme.as_ref() == programme && a.segments != Some(0));
        let planned = programme.and_then(ProgrammeId::start);
        DutyChannel {
            source: airing.map(|a| self.source_view(&a.source)),
            since: airing.map(|a| a.start),
            late: planned.zip(first).and_then(|(planned, a)| a.start.duration_since(planned).try_into().ok()),
            no: airing.map(|a| a.no),
            hand: self.direction.of(&channel.id).filter(|h| h.takes_over(ctx.now)).as_ref().map(HandView::of),
            card,
        }
    }

    /// Where an airing comes from, with the names that people know.
    pub(super) fn source_view(&self, source: &crate::channel::AiringSource) -> SourceView {
        use crate::channel::AiringSource::{Lesson, Relay, Slate};
        match source {
            Lesson { lesson, .. } => SourceView {
                key: "kind-lesson",
                cause: "",
                names: self.library.catalogue().lesson(lesson).map(|p| p.manifest.titles.clone()),
                id: lesson.to_string(),
            },
            Relay { relay, .. } => SourceView {
                key: "kind-relay",
                cause: "",
                names: self.county.load().relays.iter().find(|r| r.id == *relay).map(|r| r.names.clone()),
                id: relay.to_string(),
            },
            Slate { reason, .. } => SourceView {
                key: "kind-preview",
                cause: SourceView::cause(reason),
                names: None,
                id: String::new(),
            },
        }
    }
}
