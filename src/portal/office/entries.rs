//! Channels, relays and the county itself: entries of the county's file.

use hyper::StatusCode;

use crate::base::entries::{Entry, EntryError, ROOT};
use crate::people::Rights;
use crate::portal::reply::Reply;
use crate::portal::state::Portal;
use crate::portal::views::{EntryList, EntryPage, EntryRow, Menu, PageContext, Remark};

use super::documents::{NotWritten, Swap, Which};
use super::fields::{Kind, Shown, Spec, fields, titles, typed};
use super::request::{Form, OfficeRequest};
use super::sites::done;
use super::{Answer, Refusal, Visitor, html};

/// A section of the county's file that the office changes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sort {
    /// Its name in the file.
    section: &'static str,
    /// Where its entries are listed.
    room: &'static str,
    /// Where a new one is made; empty: there is always one.
    new: &'static str,
    /// Key of its heading.
    title: &'static str,
    /// Key of what is done there.
    text: &'static str,
    /// Key of the button that makes a new one.
    add: &'static str,
    /// What the audit log calls a change.
    changed: &'static str,
    fields: &'static [Spec],
}

pub(super) const fn spec(key: &'static str, label: &'static str, hint: &'static str, kind: Kind) -> Spec {
    Spec { key, label, hint, kind }
}

pub(super) const CHANNELS: Sort = Sort {
    section: "channel",
    room: "/office/channels",
    new: "/office/new-channel",
    title: "channels-title",
    text: "channels-text",
    add: "channels-new",
    changed: "channel-changed",
    fields: &[
        spec("number", "channel-number-field", "channel-number-advice", Kind::Number(true)),
        spec("name", "place-name", "", Kind::Names(true)),
        spec("lang", "channel-lang", "channel-lang-advice", Kind::Lang),
        spec("audio", "channel-audio", "channel-audio-advice", Kind::Langs(true)),
        spec("subtitles", "channel-subtitles", "", Kind::Langs(false)),
        spec("window", "channel-window", "channel-window-advice", Kind::Word),
        spec("slate_after", "channel-slate-after", "channel-slate-after-advice", Kind::Word),
        spec("max_gap", "channel-max-gap", "channel-max-gap-advice", Kind::Word),
    ],
};

pub(super) const RELAYS: Sort = Sort {
    section: "relay",
    room: "/office/relays",
    new: "/office/new-relay",
    title: "relays-title",
    text: "relays-text",
    add: "relays-new",
    changed: "relay-changed",
    fields: &[
        spec("name", "place-name", "", Kind::Names(true)),
        spec("sources", "relay-sources", "relay-sources-advice", Kind::Lines),
        spec("audio", "relay-audio", "relay-audio-advice", Kind::Langs(true)),
        spec("service", "relay-service", "relay-service-advice", Kind::Number(false)),
        spec("service_name", "relay-service-name", "relay-service-name-advice", Kind::Word),
        spec("rungs", "relay-rungs", "relay-rungs-advice", Kind::Lines),
        spec("stall_after", "relay-stall", "relay-stall-advice", Kind::Word),
        spec("failover_after", "relay-failover", "relay-failover-advice", Kind::Word),
        spec("failback_after", "relay-failback", "relay-failback-advice", Kind::Word),
        spec("max_segment", "relay-segment", "relay-segment-advice", Kind::Word),
        spec("retention_hours", "relay-retention", "relay-retention-advice", Kind::Number(false)),
        spec("retention_size", "relay-size", "relay-size-advice", Kind::Word),
        spec("on_demand", "relay-demand", "", Kind::Tick),
        spec("look_every", "relay-look", "relay-look-advice", Kind::Word),
    ],
};

pub(super) const SETTINGS: Sort = Sort {
    section: ROOT,
    room: "/office/settings",
    new: "",
    title: "settings-title",
    text: "settings-text",
    add: "",
    changed: "settings-changed",
    fields: &[
        spec("name", "settings-name", "", Kind::Names(true)),
        spec("languages", "settings-languages", "settings-languages-advice", Kind::Langs(true)),
        spec("timezone", "settings-zone", "settings-zone-advice", Kind::Word),
        spec("public_url", "settings-url", "settings-url-advice", Kind::Word),
    ],
};

/// The identifier of an entry; the county's own keys have none.
fn id_of(values: &toml::Table) -> String {
    values.get("id").and_then(toml::Value::as_str).unwrap_or_default().to_owned()
}

/// Why a form is shown again.
#[derive(Debug, Clone, Copy)]
pub(super) struct Again<'a> {
    /// What was typed; none: nothing was.
    pub(super) form: Option<&'a Form>,
    /// What went wrong, in words.
    pub(super) error: &'a str,
    /// What would be wrong in the file.
    pub(super) problems: &'a [Remark],
}

impl Portal {
    /// The list.
    pub(super) fn entry_list(
        &self,
        ctx: &PageContext<'_>,
        visitor: &Visitor,
        rights: &Rights<'_>,
        sort: Sort,
    ) -> Answer {
        let all = self.entries(&Which::County, sort.section).map_err(not_read)?;
        let row = |entry: &Entry| {
            let values = entry.values();
            let id = id_of(&values);
            EntryRow {
                href: format!("{}/{id}", sort.room),
                number: values.get("number").and_then(toml::Value::as_integer),
                names: titles(&values, "name"),
                id,
            }
        };
        let page = EntryList {
            heading: ctx.t(sort.title),
            text: sort.text,
            rows: all.iter().map(row).collect(),
            new: may_edit(rights, sort).then_some((sort.new, sort.add)),
            done: done(ctx.path, visitor, sort.room),
            menu: Menu::of(rights),
        };
        Ok(html(page.render(ctx)?))
    }

    /// One entry; without `id` the county's own keys.
    pub(super) fn entry_page(
        &self,
        ctx: &PageContext<'_>,
        visitor: &Visitor,
        rights: &Rights<'_>,
        (sort, id, again): (Sort, &str, Option<Again<'_>>),
    ) -> Answer {
        let entry = self.entry_named(sort, id)?;
        let values = entry.values();
        let the_only_one = sort.new.is_empty();
        let action = if the_only_one { sort.room.to_owned() } else { format!("{}/{id}", sort.room) };
        let may_edit = may_edit(rights, sort);
        let page = EntryPage {
            heading: if the_only_one { ctx.t(sort.title) } else { ctx.plain(&titles(&values, "name")) },
            text: if the_only_one { sort.text } else { "" },
            about: id.to_owned(),
            mark: typed_in(again).map_or_else(|| entry.mark(), |f| f.get("mark").to_owned()),
            remove: (may_edit && !the_only_one).then(|| format!("{action}/remove")),
            may_edit,
            done: done(ctx.path, visitor, &action),
            action,
            ..entry_form(ctx, visitor, rights, (sort, &values, again))
        };
        Ok(html(page.render(ctx)?).with_status(status(again)))
    }

    /// The form for a new one.
    pub(super) fn new_entry(
        &self,
        ctx: &PageContext<'_>,
        visitor: &Visitor,
        rights: &Rights<'_>,
        (sort, again): (Sort, Option<Again<'_>>),
    ) -> Answer {
        let first = ctx.languages.first().map(|lang| ("lang".to_owned(), lang.to_string().into()));
        let page = EntryPage {
            heading: ctx.t(sort.add),
            id: Some(typed_in(again).map(|f| f.get("id").to_owned()).unwrap_or_default()),
            button: "place-add",
            action: sort.new.to_owned(),
            ..entry_form(ctx, visitor, rights, (sort, &first.into_iter().collect(), again))
        };
        Ok(html(page.render(ctx)?).with_status(status(again)))
    }

    /// What was typed takes the place of the entry `id`; without one it is new.
    pub(super) async fn save_entry(
        &self,
        request: &OfficeRequest<'_>,
        ctx: &PageContext<'_>,
        visitor: &Visitor,
        rights: &Rights<'_>,
        (sort, id, form): (Sort, Option<&str>, &Form),
    ) -> Answer {
        let again = |error: &str, problems: &[Remark]| {
            let again = Some(Again { form: Some(form), error, problems });
            match id {
                Some(id) => self.entry_page(ctx, visitor, rights, (sort, id, again)),
                None => self.new_entry(ctx, visitor, rights, (sort, again)),
            }
        };
        let from = match id {
            Some(id) => Some(self.entry_named(sort, id)?),
            None => None,
        };
        if from.as_ref().is_some_and(|e| e.mark() != form.get("mark")) {
            return again(&ctx.t("place-stale"), &[]);
        }
        let before = from.as_ref().map(Entry::values).unwrap_or_default();
        let mut values = match typed(sort.fields, form, &before, ctx.languages) {
            Ok(values) => values,
            Err((key, field)) => return again(&format!("{}: {}", ctx.t(field), ctx.t(key)), &[]),
        };
        if id.is_none() {
            values.insert(0, ("id", Some(form.get("id").into())));
        }
        let entry = from.clone().unwrap_or_else(|| Entry::new(sort.section));
        let to = entry.with(sort.section, values).map_err(|e| Refusal::Ours(e.to_string()))?;
        let back = match id {
            Some("") => sort.room.to_owned(),
            Some(id) => format!("{}/{id}", sort.room),
            None => format!("{}/{}", sort.room, form.get("id")),
        };
        if from.as_ref() == Some(&to) {
            return Ok(Reply::see_other(&back));
        }
        let swap = Swap { which: Which::County, section: sort.section.to_owned(), from, to: Some(to) };
        let line = request.entry(Some(&visitor.account.id), sort.changed, String::new());
        match self.write(swap, line).await? {
            Ok(line) => Ok(Reply::see_other(&format!("{back}?done={line}"))),
            Err(error) => {
                let (error, problems) = not_written(ctx, error)?;
                again(&error, &problems)
            }
        }
    }

    /// Takes an entry out.
    pub(super) async fn remove_entry(
        &self,
        request: &OfficeRequest<'_>,
        ctx: &PageContext<'_>,
        visitor: &Visitor,
        rights: &Rights<'_>,
        (sort, id): (Sort, &str),
    ) -> Answer {
        let from = self.entry_named(sort, id)?;
        let swap =
            Swap { which: Which::County, section: sort.section.to_owned(), from: Some(from), to: None };
        let line = request.entry(Some(&visitor.account.id), sort.changed, String::new());
        match self.write(swap, line).await? {
            Ok(line) => Ok(Reply::see_other(&format!("{}?done={line}", sort.room))),
            Err(error) => {
                let (error, problems) = not_written(ctx, error)?;
                let again = Again { form: None, error: &error, problems: &problems };
                self.entry_page(ctx, visitor, rights, (sort, id, Some(again)))
            }
        }
    }

    fn entry_named(&self, sort: Sort, id: &str) -> Result<Entry, Refusal> {
        let all = self.entries(&Which::County, sort.section).map_err(not_read)?;
        all.into_iter().find(|e| sort.section == ROOT || id_of(&e.values()) == id).ok_or(Refusal::Unknown)
    }
}

/// What the pages of an entry and of a new one have in common.
fn entry_form(
    ctx: &PageContext<'_>,
    visitor: &Visitor,
    rights: &Rights<'_>,
    (sort, values, again): (Sort, &toml::Table, Option<Again<'_>>),
) -> EntryPage {
    EntryPage {
        fields: fields(sort.fields, shown(again, values), ctx, &[]),
        error: again.map(|a| a.error.to_owned()),
        problems: again.map(|a| a.problems.to_vec()).unwrap_or_default(),
        may_edit: true,
        button: "place-save",
        token: visitor.secret.form_token(),
        menu: Menu::of(rights),
        ..EntryPage::default()
    }
}

fn may_edit(rights: &Rights<'_>, sort: Sort) -> bool {
    if sort.section == RELAYS.section { rights.edit_relays() } else { rights.edit_channels() }
}

pub(super) fn shown<'a>(again: Option<Again<'a>>, values: &'a toml::Table) -> Shown<'a> {
    typed_in(again).map_or(Shown::File(values), Shown::Typed)
}

pub(super) fn typed_in(again: Option<Again<'_>>) -> Option<&Form> {
    again.and_then(|a| a.form)
}

pub(super) fn status(again: Option<Again<'_>>) -> StatusCode {
    if again.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK }
}

/// A file that cannot even be shown.
pub(super) fn not_read(error: NotWritten) -> Refusal {
    Refusal::File(error.to_string())
}

/// What went wrong in words, with what is wrong in the file.
pub(super) fn not_written(
    ctx: &PageContext<'_>,
    error: NotWritten,
) -> Result<(String, Vec<Remark>), Refusal> {
    match error {
        NotWritten::Store(error) => Err(error.into()),
        NotWritten::Entry(EntryError::Gone) => Ok((ctx.t("place-stale"), Vec::new())),
        NotWritten::Entry(error) => Ok((ctx.t("file-by-hand"), vec![Remark::from(error.to_string())])),
        NotWritten::Bad(problems) => {
            let said = problems.0.iter().map(|p| Remark::on(ctx, p));
            Ok((ctx.t("file-not-good"), said.collect()))
        }
        NotWritten::File { path, source } => {
            tracing::error!(path = %path.display(), error = %source, "a file could not be written from the office");
            Ok((ctx.t1("file-not-written", "file", path.display()), vec![Remark::from(source.to_string())]))
        }
    }
}
