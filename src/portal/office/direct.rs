//! What people on duty put in the schedule's place, and one channel as they see it.

use std::sync::Arc;

use arc_swap::ArcSwap;
use hyper::StatusCode;
use jiff::SignedDuration;

use crate::base::{ChannelId, RelayId};
use crate::channel::{AiringSource, Command, Hand, Hands};
use crate::config::Channel;
use crate::people::Rights;
use crate::portal::reply::Reply;
use crate::portal::state::Portal;
use crate::portal::views::{DirectPage, Menu, PageContext};
use crate::store::{Store, StoreError};

use super::request::{Form, OfficeRequest};
use super::{Answer, Refusal, Visitor, html};

/// What the audit log calls a command.
pub(super) const DIRECTED: &str = "channel-directed";
/// How long a command may stand before the schedule returns by itself, minutes.
const MINUTES: [i64; 4] = [10, 30, 60, 120];
/// Lines of the as-run log shown of one channel.
const ROWS: usize = 12;

/// The commands in force, and who gives others.
#[derive(Debug)]
pub struct Direction {
    in_force: Arc<ArcSwap<Hands>>,
    /// One after the other: what is in force is what is stored.
    giving: tokio::sync::Mutex<()>,
}

impl Direction {
    /// With the commands that the store has.
    pub async fn new(store: &Store) -> Result<Self, StoreError> {
        let hands = store.hands().await?;
        Ok(Self { in_force: Arc::new(ArcSwap::from_pointee(hands)), giving: tokio::sync::Mutex::default() })
    }

    /// The commands in force, for who carries the channels on.
    pub fn in_force(&self) -> Arc<ArcSwap<Hands>> {
        Arc::clone(&self.in_force)
    }

    /// The last command of a channel.
    pub(super) fn of(&self, channel: &ChannelId) -> Option<Hand> {
        self.in_force.load().get(channel).cloned()
    }

    /// Stores a command, then puts it in force.
    async fn give(
        &self,
        store: &Store,
        channel: &ChannelId,
        hand: Hand,
        mut entry: crate::people::AuditEntry,
    ) -> Result<(), StoreError> {
        let _one = self.giving.lock().await;
        let said = |hand: &Hand| serde_json::to_string(hand).unwrap_or_default();
        entry.before = self.of(channel).as_ref().map(said).unwrap_or_default();
        entry.after = said(&hand);
        store.set_hand(channel, &hand, entry).await?;
        let mut hands = (**self.in_force.load()).clone();
        hands.insert(channel.clone(), hand);
        self.in_force.store(Arc::new(hands));
        Ok(())
    }
}

impl Portal {
    /// One channel at the duty desk.
    pub(super) async fn direct_page(
        &self,
        ctx: &PageContext<'_>,
        visitor: &Visitor,
        rights: &Rights<'_>,
        (id, error): (&str, Option<&'static str>),
    ) -> Answer {
        let channel = self.channel_named(id)?;
        let date = ctx.today();
        let mut rows = self.as_run_rows(ctx, &channel, date).await?;
        let more = rows.len().saturating_sub(ROWS);
        rows.drain(..more);
        rows.reverse();
        let county = self.county.load();
        let page = DirectPage {
            channel: &channel,
            state: self.duty_channel(ctx, &channel),
            may_direct: rights.direct(),
            relays: county.relays.iter().map(|r| (r.id.to_string(), ctx.plain(&r.names))).collect(),
            minutes: MINUTES.to_vec(),
            rows,
            asrun: rights.see_programmes().then(|| format!("/office/asrun/{id}?date={date}")),
            error,
            token: visitor.secret.form_token(),
            menu: Menu::of(rights),
        };
        let status = if error.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
        Ok(html(page.render(ctx)?).with_status(status))
    }

    /// Gives a command.
    pub(super) async fn direct(
        &self,
        request: &OfficeRequest<'_>,
        ctx: &PageContext<'_>,
        visitor: &Visitor,
        rights: &Rights<'_>,
        (id, form): (&str, &Form),
    ) -> Answer {
        let channel = self.channel_named(id)?;
        let command = match self.command(&channel, form) {
            Ok(command) => command,
            Err(error) => return self.direct_page(ctx, visitor, rights, (id, Some(error))).await,
        };
        let minutes = form.get("minutes").parse().ok().filter(|m| MINUTES.contains(m));
        let lasts = matches!(command, Command::Relay { .. } | Command::Slate);
        let hand = Hand {
            command,
            since: request.page.now,
            until: minutes.filter(|_| lasts).map(|m| request.page.now + SignedDuration::from_mins(m)),
            by: visitor.account.name.clone(),
        };
        let entry = request.entry(Some(&visitor.account.id), DIRECTED, format!("channel/{}", channel.id));
        tracing::info!(channel = %channel.id, command = ?hand.command, "{}: directed by hand", channel.id);
        self.direction.give(&self.store, &channel.id, hand, entry).await?;
        self.bell.ring();
        Ok(Reply::see_other(&format!("/office/duty/{id}")))
    }

    /// The command of a form; a key that says why there is none.
    fn command(&self, channel: &Channel, form: &Form) -> Result<Command, &'static str> {
        let timeline = self.channels.get(&channel.id).map(|c| c.timeline());
        let open = timeline.as_ref().and_then(|t| t.open());
        // Only what was seen is held or skipped, not what began meanwhile.
        let lesson = || {
            let open = open.filter(|open| open.no.to_string() == form.get("no")).ok_or("direct-over")?;
            let plays = matches!(open.source, AiringSource::Lesson { .. });
            if plays { Ok(open.no) } else { Err("direct-over") }
        };
        match form.get("do") {
            "hold" => Ok(Command::Hold { no: lesson()? }),
            "skip" => Ok(Command::Skip { no: lesson()? }),
            "relay" => {
                let relay = RelayId::new(form.get("relay")).map_err(|_| "direct-no-relay")?;
                let known = self.county.load().relays.iter().any(|r| r.id == relay);
                if known { Ok(Command::Relay { relay }) } else { Err("direct-no-relay") }
            }
            "slate" => Ok(Command::Slate),
            "return" => Ok(Command::Return),
            _ => Err("direct-nothing"),
        }
    }

    /// The channel called `id`.
    pub(super) fn channel_named(&self, id: &str) -> Result<Channel, Refusal> {
        let county = self.county.load();
        county.channels.iter().find(|c| c.id.as_str() == id).cloned().ok_or(Refusal::Unknown)
    }
}
