//! Tickets: who may fetch what until when, in one path segment.
//!
//! The dumbest set-top box resolves relative URLs but keeps no cookies and
//! drops queries, so the right to play stands in the path. Every segment
//! request verifies one; nothing but the identifiers is allocated.
//!
//! Bytes, before base64url without padding (RFC 4648 §5):
//!
//! ```text
//! version 1 | key id 1 | expiry 5 (seconds of the epoch, big-endian) | flags 1
//! | session | item | site? | terminal?      each: length 1, then its text
//! | tag 16 (HMAC-SHA256 over all before, cut to its left half)
//! ```

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use sha2::Sha256;

use crate::base::{ChannelId, LessonId, SessionId, SiteId, TerminalId};

const VERSION: u8 = 1;
const TAG: usize = 16;
const HEAD: usize = 8;
/// Four identifiers of at most 64 bytes and their lengths.
const LONGEST: usize = HEAD + 4 * 65 + TAG;
/// Keeps a tag made here from meaning anything elsewhere.
const PURPOSE: &[u8] = b"yuanjiao ticket\0";

const HAS_SITE: u8 = 1;
const HAS_TERMINAL: u8 = 2;
const IS_LESSON: u8 = 4;

/// What a session plays.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Item {
    /// A channel, live or catch-up. Its media line is the programme date.
    Channel(ChannelId),
    /// A lesson on demand. Its media line starts at 0.
    Lesson(LessonId),
}

/// The right to play one item in one session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    /// The session that what is fetched belongs to.
    pub session: SessionId,
    /// The terminal's site; none: the public.
    pub site: Option<SiteId>,
    /// The terminal; none: the public.
    pub terminal: Option<TerminalId>,
    /// What may be fetched.
    pub item: Item,
    /// First instant at which it is refused. Whole seconds; a fraction is dropped on signing.
    pub expires: Timestamp,
}

/// Why a ticket is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TicketError {
    /// Not a ticket at all, or of a version not known here.
    #[error("not a ticket: expected the `/s/…` part of a play URL, whole and unaltered")]
    Malformed,
    /// Signed with a key this server does not hold, or no longer.
    #[error("the ticket was signed with key {0}, which this server does not hold: open the item again")]
    UnknownKey(u8),
    /// Altered, or never signed by this server.
    #[error("the ticket's signature is wrong: open the item again")]
    BadSignature,
    /// Its time is over.
    #[error("the ticket has expired: open the item again")]
    Expired,
}

/// Why a list of keys cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadKeys {
    /// The list is empty.
    #[error("no ticket key: expected at least one")]
    Empty,
    /// Two keys share an id.
    #[error("two ticket keys have the id {0}: give each its own")]
    Repeated(u8),
}

/// The keys that tickets are signed with. All verify, the last signs.
#[derive(Clone)]
pub struct TicketKeys {
    // Keyed once; each use clones the state and skips the key schedule.
    keys: Vec<(u8, Hmac<Sha256>)>,
}

impl TicketKeys {
    /// Keys with their ids, oldest first.
    pub fn new(keys: Vec<(u8, [u8; 32])>) -> Result<Self, BadKeys> {
        let mut out: Vec<(u8, Hmac<Sha256>)> = Vec::with_capacity(keys.len());
        for (id, key) in keys {
            if out.iter().any(|(other, _)| *other == id) {
                return Err(BadKeys::Repeated(id));
            }
            let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("HMAC takes a key of any length");
            mac.update(PURPOSE);
            out.push((id, mac));
        }
        if out.is_empty() { Err(BadKeys::Empty) } else { Ok(Self { keys: out }) }
    }

    /// The ticket as one URL path segment.
    pub fn sign(&self, ticket: &Ticket) -> String {
        let (id, mac) = self.keys.last().expect("a list of keys is never empty");
        let (lesson, item) = match &ticket.item {
            Item::Channel(id) => (0, id.as_str()),
            Item::Lesson(id) => (IS_LESSON, id.as_str()),
        };
        let flags = lesson
            | ticket.site.as_ref().map_or(0, |_| HAS_SITE)
            | ticket.terminal.as_ref().map_or(0, |_| HAS_TERMINAL);
        let mut bytes = Vec::with_capacity(LONGEST);
        bytes.extend([VERSION, *id]);
        bytes.extend(&ticket.expires.as_second().max(0).to_be_bytes()[3..]);
        bytes.push(flags);
        let optional =
            [ticket.site.as_ref().map(SiteId::as_str), ticket.terminal.as_ref().map(TerminalId::as_str)];
        for text in [ticket.session.as_str(), item].into_iter().chain(optional.into_iter().flatten()) {
            // Identifiers are at most 64 bytes long.
            bytes.push(text.len() as u8);
            bytes.extend(text.as_bytes());
        }
        let mut mac = mac.clone();
        mac.update(&bytes);
        bytes.extend(&mac.finalize().into_bytes()[..TAG]);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The ticket that `text` is, if this server signed it and it is not over.
    pub fn verify(&self, text: &str, now: Timestamp) -> Result<Ticket, TicketError> {
        let mut buffer = [0; LONGEST];
        if text.len() > LONGEST * 4 / 3 + 1 {
            return Err(TicketError::Malformed);
        }
        let length = URL_SAFE_NO_PAD.decode_slice(text, &mut buffer).map_err(|_| TicketError::Malformed)?;
        if length < HEAD + TAG || buffer[0] != VERSION {
            return Err(TicketError::Malformed);
        }
        let (body, tag) = buffer[..length].split_at(length - TAG);
        let id = body[1];
        let (_, mac) = self.keys.iter().find(|(k, _)| *k == id).ok_or(TicketError::UnknownKey(id))?;
        let mut mac = mac.clone();
        mac.update(body);
        // Compares in constant time.
        mac.verify_truncated_left(tag).map_err(|_| TicketError::BadSignature)?;
        let ticket = parse(body).ok_or(TicketError::Malformed)?;
        if now < ticket.expires { Ok(ticket) } else { Err(TicketError::Expired) }
    }
}

impl std::fmt::Debug for TicketKeys {
    /// Names the keys and shows none.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.keys.iter().map(|(id, _)| id)).finish()
    }
}

fn parse(body: &[u8]) -> Option<Ticket> {
    let mut seconds = [0; 8];
    seconds[3..].copy_from_slice(&body[2..7]);
    let flags = body[7];
    let mut rest = &body[HEAD..];
    let mut next = || {
        let (length, tail) = rest.split_first()?;
        let (text, tail) = tail.split_at_checked(usize::from(*length))?;
        rest = tail;
        std::str::from_utf8(text).ok()
    };
    let session = SessionId::new(next()?).ok()?;
    let item = if flags & IS_LESSON != 0 {
        Item::Lesson(LessonId::new(next()?).ok()?)
    } else {
        Item::Channel(ChannelId::new(next()?).ok()?)
    };
    let site = if flags & HAS_SITE != 0 { Some(SiteId::new(next()?).ok()?) } else { None };
    let terminal = if flags & HAS_TERMINAL != 0 { Some(TerminalId::new(next()?).ok()?) } else { None };
    let expires = Timestamp::from_second(i64::from_be_bytes(seconds)).ok()?;
    rest.is_empty().then_some(Ticket { session, site, terminal, item, expires })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn keys() -> TicketKeys {
        TicketKeys::new(vec![(3, [3; 32]), (7, [7; 32])]).expect("two keys")
    }

    fn second(s: i64) -> Timestamp {
        Timestamp::from_second(s).expect("in range")
    }

    prop_compose! {
        fn tickets()(
            ids in proptest::collection::vec("[a-z0-9][a-z0-9-]{0,63}", 4),
            flags in 0u8..8,
            at in 0i64..250_000_000_000,
        ) -> Ticket {
            Ticket {
                session: SessionId::new(&ids[0]).expect("an id"),
                site: (flags & 1 != 0).then(|| SiteId::new(&ids[1]).expect("an id")),
                terminal: (flags & 2 != 0).then(|| TerminalId::new(&ids[2]).expect("an id")),
                item: if flags & 4 != 0 {
                    Item::Lesson(LessonId::new(&ids[3]).expect("an id"))
                } else {
                    Item::Channel(ChannelId::new(&ids[3]).expect("an id"))
                },
                expires: second(at),
            }
        }
    }

    proptest! {
        #[test]
        fn what_was_signed_is_what_is_read(ticket in tickets(), early in 1i64..1000) {
            let text = keys().sign(&ticket);
            prop_assert!(text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
            let now = second(ticket.expires.as_second() - early);
            prop_assert_eq!(keys().verify(&text, now), Ok(ticket.clone()));
            prop_assert_eq!(keys().verify(&text, ticket.expires), Err(TicketError::Expired));
        }

        #[test]
        fn an_altered_ticket_is_refused(ticket in tickets(), at in any::<prop::sample::Index>(), with in any::<u8>()) {
            let text = keys().sign(&ticket);
            let now = second(0).min(ticket.expires);
            let mut letters = text.clone().into_bytes();
            let at = at.index(letters.len());
            if letters[at] != with {
                letters[at] = with;
                prop_assert!(keys().verify(&String::from_utf8_lossy(&letters), now).is_err());
            }
            prop_assert!(keys().verify(&text[..at], now).is_err());
        }

        #[test]
        fn any_flipped_byte_breaks_the_signature(
            ticket in tickets(), at in any::<prop::sample::Index>(), flip in 1u8..=255,
        ) {
            let mut bytes = URL_SAFE_NO_PAD.decode(keys().sign(&ticket)).expect("base64");
            let at = at.index(bytes.len());
            bytes[at] ^= flip;
            let refused = keys().verify(&URL_SAFE_NO_PAD.encode(&bytes), second(0)).expect_err("altered");
            prop_assert_ne!(refused, TicketError::Expired);
        }

        #[test]
        fn noise_is_never_a_ticket(text in ".{0,500}") {
            prop_assert!(keys().verify(&text, second(0)).is_err());
        }
    }

    #[test]
    fn an_old_key_verifies_until_it_is_dropped() {
        let ticket = Ticket {
            session: SessionId::new("s1").expect("an id"),
            site: None,
            terminal: None,
            item: Item::Channel(ChannelId::new("xiangtu").expect("an id")),
            expires: second(100),
        };
        let old = TicketKeys::new(vec![(3, [3; 32])]).expect("a key").sign(&ticket);
        assert_eq!(keys().verify(&old, second(0)), Ok(ticket));
        let newer = TicketKeys::new(vec![(7, [7; 32])]).expect("a key");
        assert_eq!(newer.verify(&old, second(0)), Err(TicketError::UnknownKey(3)));
        let liar = TicketKeys::new(vec![(3, [4; 32])]).expect("a key");
        assert_eq!(liar.verify(&old, second(0)), Err(TicketError::BadSignature));
    }

    #[test]
    fn keys_are_never_printed() {
        assert_eq!(format!("{:?}", keys()), "[3, 7]");
        assert_eq!(TicketKeys::new(vec![]).expect_err("none"), BadKeys::Empty);
        assert_eq!(
            TicketKeys::new(vec![(1, [0; 32]), (1, [1; 32])]).expect_err("same"),
            BadKeys::Repeated(1)
        );
    }
}
