//! Taking a change back that is still as it was made.

use crate::people::{AuditEntry, Rights};
use crate::portal::reply::Reply;
use crate::portal::state::Portal;
use crate::portal::views::PageContext;
use crate::sites::{Change, Edit, Place};

use super::catalogue::{self, Changes};
use super::documents::{Swap, Which};
use super::entry::is_inside;
use super::places::{CHANGED, Outcome, UNDONE};
use super::request::{Form, OfficeRequest};
use super::{Answer, Refusal, Visitor, chosen, evenings, lessons};

/// What the audit log calls a change of a file that was taken back.
const FILE_UNDONE: &str = "file-undone";

/// How taking back ended, and what page is gone by it.
struct Undone {
    outcome: Outcome,
    /// Where to go if what was changed is gone.
    instead: Option<String>,
}

impl Portal {
    /// Takes a change back, if nobody has changed the same since.
    pub(super) async fn undo(
        &self,
        request: &OfficeRequest<'_>,
        ctx: &PageContext<'_>,
        visitor: &Visitor,
        rights: &Rights<'_>,
        (line, form): (&str, &Form),
    ) -> Answer {
        let number = line.parse().map_err(|_| Refusal::Unknown)?;
        let entry = self.store.audit_line(number).await?.ok_or(Refusal::Unknown)?;
        let undone = match entry.what.as_str() {
            CHANGED | UNDONE => self.undo_places(request, visitor, rights, &entry).await?,
            lessons::CHANGED
            | lessons::REMOVED
            | catalogue::TAKEN_IN
            | chosen::CHANGED
            | evenings::CHANGED => self.undo_lessons(request, visitor, rights, &entry).await?,
            _ => self.undo_file(request, ctx, visitor, rights, &entry).await?,
        };
        // Only to pages of ours, and not to the one of what is gone.
        let asked = form.get("back");
        let asked = if is_inside(asked) { asked.to_owned() } else { "/office".to_owned() };
        let to = undone.instead.unwrap_or(asked);
        Ok(Reply::see_other(&match undone.outcome {
            Outcome::Made(_) => to,
            Outcome::Not("place-used") => format!("{to}?not=used"),
            Outcome::Not(_) => format!("{to}?not=stale"),
        }))
    }

    async fn undo_places(
        &self,
        request: &OfficeRequest<'_>,
        visitor: &Visitor,
        rights: &Rights<'_>,
        entry: &AuditEntry,
    ) -> Result<Undone, Refusal> {
        let side = |text: &str| serde_json::from_str::<Vec<Option<Place>>>(text);
        let (before, after) = side(&entry.before)
            .and_then(|before| Ok((before, side(&entry.after)?)))
            .map_err(|e| Refusal::Ours(e.to_string()))?;
        let edits = before.into_iter().zip(after).map(|(before, after)| Edit { before, after });
        let back = Change(edits.collect()).inverse();
        let gone = back.0.iter().any(|e| e.after.is_none());
        let outcome = self.make_as(UNDONE, request, visitor, rights, back).await?;
        Ok(Undone { outcome, instead: gone.then(|| "/office/sites".to_owned()) })
    }

    /// What was said of lessons, that one was deleted, or what a list of them was.
    async fn undo_lessons(
        &self,
        request: &OfficeRequest<'_>,
        visitor: &Visitor,
        rights: &Rights<'_>,
        entry: &AuditEntry,
    ) -> Result<Undone, Refusal> {
        if !rights.edit_programmes() {
            return Err(Refusal::Forbidden);
        }
        let line = |what| request.entry(Some(&visitor.account.id), what, String::new());
        let made = match entry.what.as_str() {
            what @ (catalogue::TAKEN_IN | chosen::CHANGED) => {
                let back = Changes::logged(entry).ok_or(Refusal::Unknown)?.inverse();
                self.describe_lessons(back, line(what)).await?
            }
            evenings::CHANGED => self.change_back(entry, line(evenings::CHANGED)).await?,
            lessons::REMOVED => self.restore_lesson(entry, line(FILE_UNDONE)).await?,
            _ => {
                let id = entry.subject.strip_prefix("lesson/").ok_or(Refusal::Unknown)?;
                let (lesson, _) = self.about_lesson(id)?;
                let side = |text| lessons::read_told(text).ok_or(Refusal::Unknown);
                let back = (side(&entry.after)?, side(&entry.before)?);
                self.describe_lesson(lesson, back, line(lessons::CHANGED)).await?
            }
        };
        // A list that was new is gone then.
        let gone = entry.what == evenings::CHANGED && entry.before.is_empty();
        let instead = gone.then(|| evenings::ROOM.to_owned());
        Ok(Undone { outcome: made.map_or(Outcome::Not("place-stale"), Outcome::Made), instead })
    }

    async fn undo_file(
        &self,
        request: &OfficeRequest<'_>,
        ctx: &PageContext<'_>,
        visitor: &Visitor,
        rights: &Rights<'_>,
        entry: &AuditEntry,
    ) -> Result<Undone, Refusal> {
        let swap = Swap::logged(entry).ok_or(Refusal::Unknown)?;
        let (may, room) = match (&swap.which, swap.section.as_str()) {
            (Which::Schedule(channel), _) => {
                (rights.edit_programmes(), format!("/office/schedule/{channel}"))
            }
            (Which::County, "relay") => (rights.edit_relays(), "/office/relays".to_owned()),
            (Which::County, "channel") => (rights.edit_channels(), "/office/channels".to_owned()),
            (Which::County, "holiday") => (rights.edit_channels(), "/office/holidays".to_owned()),
            (Which::County, _) => (rights.edit_channels(), "/office/settings".to_owned()),
        };
        if !may {
            return Err(Refusal::Forbidden);
        }
        let back = swap.inverse();
        let gone = back.to.is_none();
        let line = request.entry(Some(&visitor.account.id), FILE_UNDONE, String::new());
        let outcome = match self.write(back, line).await? {
            Ok(line) => Outcome::Made(line),
            Err(error) => {
                super::entries::not_written(ctx, error)?;
                Outcome::Not("place-stale")
            }
        };
        Ok(Undone { outcome, instead: gone.then_some(room) })
    }
}
