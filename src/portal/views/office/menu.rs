//! The office's rooms, as far as somebody may enter them.

use super::page;
use crate::people::Rights;

/// A room of the office.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Room {
    /// Where.
    pub(super) path: &'static str,
    /// Key of its name.
    pub(super) title: &'static str,
    /// Key of what is done there.
    pub(super) text: &'static str,
}

/// The rooms somebody may enter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Menu {
    pub(super) rooms: Vec<Room>,
}

impl Menu {
    /// Of the holder of `rights`.
    pub fn of(rights: &Rights<'_>) -> Self {
        let room = |path, title, text| Room { path, title, text };
        let all = [
            (true, room("/office/duty", "duty-title", "duty-text")),
            (rights.see_studies(), room("/office/studies", "studies-title", "studies-text")),
            (true, room("/office/sites", "nav-sites", "office-sites-text")),
            (rights.see_studies(), room("/office/figures", "figures-title", "figures-text")),
            (rights.see_programmes(), room("/office/schedule", "schedule-title", "schedule-text")),
            (rights.edit_channels(), room("/office/holidays", "holidays-title", "holidays-text")),
            (rights.see_programmes(), room("/office/asrun", "asrun-title", "asrun-text")),
            (rights.see_programmes(), room("/office/lessons", "nav-lessons", "office-lessons-text")),
            (rights.see_programmes(), room("/office/channels", "channels-title", "channels-text")),
            (rights.see_programmes(), room("/office/relays", "relays-title", "relays-text")),
            (rights.edit_townships(), room("/office/townships", "townships-title", "townships-text")),
            (rights.see_people(), room("/office/people", "people-title", "people-text")),
            (rights.see_tokens(), room("/office/api", "api-title", "api-text")),
            (rights.see_audit(), room("/office/audit", "audit-title", "audit-text")),
            (rights.see_tokens(), room("/office/settings", "settings-title", "settings-text")),
        ];
        Self { rooms: all.into_iter().filter(|(may, _)| *may).map(|(_, room)| room).collect() }
    }
}

/// Where everybody begins who has signed in.
#[derive(Debug, Clone)]
pub struct OfficeHome<'a> {
    /// The person's name.
    pub name: &'a str,
    /// The rooms.
    pub menu: Menu,
}
page!(OfficeHome, "office/home.html", "office-title");
