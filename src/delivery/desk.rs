//! Where playbacks are opened: who asks, what for, and the ticket they get.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use jiff::{SignedDuration, Timestamp};

use crate::base::{Lang, LessonId, SessionId, Titles};
use crate::evidence::{Chain, Device, Item, Ledger, NonceKey, Opening, Session, Ticket, TicketKeys};
use crate::hls::Manifest;
use crate::sites::{DeviceKind, Registry, Terminal};

use super::channels::Channels;
use super::sources::MediaSources;

/// Opens sessions.
#[derive(Debug, Clone)]
pub struct Desk {
    /// Signs and verifies tickets.
    pub tickets: Arc<ArcSwap<TicketKeys>>,
    /// Makes nonces for beats.
    pub nonces: Arc<NonceKey>,
    /// The sessions.
    pub ledger: Arc<Ledger>,
    /// Who takes part.
    pub registry: Arc<ArcSwap<Registry>>,
    /// Titles of channels.
    pub channels: Arc<Channels>,
    /// Titles and lengths of lessons.
    pub sources: Arc<MediaSources>,
    /// How long a ticket for a channel is valid.
    pub ticket_ttl: Duration,
    /// Silence after which a session closes.
    pub session_timeout: Duration,
}

/// A playback that was opened.
#[derive(Debug, Clone)]
pub struct Opened {
    /// The session, to be stored before anyone hears of it.
    pub session: Session,
    /// Path of its multivariant playlist.
    pub play_path: String,
    /// The first nonce for beats.
    pub nonce: String,
}

/// Why a playback cannot be opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeskError {
    /// No terminal holds that token.
    #[error("no terminal holds this token: enrol the terminal again")]
    UnknownToken,
    /// No channel or lesson of that name.
    #[error("there is no such channel or lesson")]
    UnknownItem,
    /// The system gave no random numbers.
    #[error("no session could be made: the system gave no random numbers")]
    NoRandomness,
}

impl Desk {
    /// Opens a playback of `item` for the terminal that holds `token`, or for the public.
    pub fn open(
        &self,
        item: Item,
        token: Option<&str>,
        lang: Option<Lang>,
        span: Option<(Timestamp, Timestamp)>,
        now: Timestamp,
    ) -> Result<Opened, DeskError> {
        let registry = self.registry.load();
        let terminal = match token {
            Some(token) => Some(registry.by_token(token).ok_or(DeskError::UnknownToken)?),
            None => None,
        };
        let (title, content_hash, duration) = self.describe(&item).ok_or(DeskError::UnknownItem)?;
        let id = new_session_id()?;
        let device = terminal.map_or(Device::Unknown, |t| device(t.device));
        let opening = Opening {
            id: id.clone(),
            site: terminal.map(|t| t.site.clone()),
            terminal: terminal.map(|t| t.id.clone()),
            item: item.clone(),
            title,
            content_hash,
            duration_ms: duration.map(|d| d.as_millis() as i64),
            lang: lang.clone(),
            device,
            timeout: signed(self.session_timeout),
        };
        let ticket = self.ticket(&id, terminal, &item, duration, now);
        let place = match (&item, span) {
            (Item::Channel(id), None) => format!("channels/{id}"),
            (Item::Channel(id), Some((from, to))) => {
                format!("channels/{id}/catchup/{}-{}", from.as_second(), to.as_second())
            }
            (Item::Lesson(id), _) => format!("lessons/{id}"),
        };
        let wish = lang.map(|lang| format!("?lang={lang}")).unwrap_or_default();
        let session = self.ledger.open(opening, now);
        Ok(Opened {
            session,
            play_path: format!("/s/{}/{place}/index.m3u8{wish}", self.tickets.load().sign(&ticket)),
            nonce: self.nonces.mint(&id, now),
        })
    }

    /// Begins a chain for a terminal that has taken `lesson` along: its device's `key`, base64url,
    /// and what that device's clock says, ms of the epoch. `version` is what it holds, as addresses
    /// have it ([`Manifest::short_hash`](crate::hls::Manifest::short_hash)); none: what is on offer.
    pub fn begin_chain(
        &self,
        (lesson, version): (LessonId, Option<&str>),
        token: &str,
        (key, wall_ms): (String, i64),
        now: Timestamp,
    ) -> Result<Chain, DeskError> {
        let registry = self.registry.load();
        let terminal = registry.by_token(token).ok_or(DeskError::UnknownToken)?;
        let item = Item::Lesson(lesson.clone());
        let on_offer = self.describe(&item).ok_or(DeskError::UnknownItem)?;
        let (title, content_hash, duration) = match version {
            None => on_offer,
            Some(version) => match self.sources.version(&lesson, version) {
                Some(held) => described(&held.manifest),
                // It was replaced and is gone: what the device says of it is all there is.
                None => (on_offer.0, Some(version.to_owned()), on_offer.2),
            },
        };
        Ok(Chain {
            id: new_session_id()?,
            site: terminal.site.clone(),
            terminal: terminal.id.clone(),
            device: device(terminal.device),
            lesson,
            title,
            content_hash,
            duration_ms: duration.map_or(0, |d| d.as_millis() as i64),
            key,
            anchored: now,
            wall_ms,
        })
    }

    fn ticket(
        &self,
        session: &SessionId,
        terminal: Option<&Terminal>,
        item: &Item,
        duration: Option<Duration>,
        now: Timestamp,
    ) -> Ticket {
        // A lesson may be paused over lunch; never less than the item and an hour.
        let ttl = self.ticket_ttl.max(duration.unwrap_or_default() + Duration::from_secs(3600));
        Ticket {
            session: session.clone(),
            site: terminal.map(|t| t.site.clone()),
            terminal: terminal.map(|t| t.id.clone()),
            item: item.clone(),
            expires: now + signed(ttl),
        }
    }

    fn describe(&self, item: &Item) -> Option<Described> {
        match item {
            Item::Channel(id) => Some((self.channels.get(id)?.names.clone(), None, None)),
            Item::Lesson(id) => Some(described(&self.sources.on_demand(id)?.manifest)),
        }
    }

    /// Makes the opening of a successor session for a ticket that goes on.
    pub(super) fn reopener(&self) -> impl Fn(SessionId, &Ticket) -> Opening + Send + Sync + 'static {
        let desk = self.clone();
        move |id, ticket| {
            let (title, content_hash, duration) = desk.describe(&ticket.item).unwrap_or_default();
            let registry = desk.registry.load();
            let terminal = ticket.terminal.as_ref().and_then(|t| registry.terminals.get(t));
            Opening {
                id,
                site: ticket.site.clone(),
                terminal: ticket.terminal.clone(),
                item: ticket.item.clone(),
                title,
                content_hash,
                duration_ms: duration.map(|d| d.as_millis() as i64),
                lang: None,
                device: terminal.map_or(Device::Unknown, |t| device(t.device)),
                timeout: signed(desk.session_timeout),
            }
        }
    }
}

/// What a record says of what was played: its titles, and of a lesson its content hash and duration.
type Described = (Titles, Option<String>, Option<Duration>);

fn described(manifest: &Manifest) -> Described {
    (manifest.titles.clone(), Some(manifest.content_hash.clone()), Some(manifest.duration()))
}

fn device(kind: DeviceKind) -> Device {
    match kind {
        DeviceKind::Computer => Device::Computer,
        DeviceKind::Tv => Device::Tv,
        DeviceKind::Phone => Device::Phone,
    }
}

fn signed(d: Duration) -> SignedDuration {
    SignedDuration::try_from(d).unwrap_or(SignedDuration::MAX)
}

/// 80 random bits: nobody guesses another's session.
fn new_session_id() -> Result<SessionId, DeskError> {
    let mut bytes = [0; 10];
    getrandom::fill(&mut bytes).map_err(|_| DeskError::NoRandomness)?;
    SessionId::new(&hex::encode(bytes)).map_err(|_| DeskError::NoRandomness)
}
