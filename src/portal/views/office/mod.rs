//! Pages of the office.

mod api;
mod asrun;
mod audit;
mod catalogue;
mod documents;
mod duty;
mod entries;
mod entry;
mod keys;
mod lessons;
mod menu;
mod people;
mod places;
mod remark;
mod review;
mod schedule;
mod second_factor;
mod sheet;
mod studies;

pub use api::{ApiPage, TokenPage, TokenRow};
pub use asrun::{AsRunPage, AsRunPart, AsRunRow, HandView, SourceView};
pub use audit::{AuditPage, AuditRow};
pub use catalogue::{CataloguePage, CatalogueRow};
pub use documents::OfficeDocuments;
pub use duty::{Alarm, DirectPage, DutyChannel, DutyPage, RelayRow};
pub use entries::{Choice, EntryList, EntryPage, EntryRow, Field, FieldValue, PartGroup, PartRow, PartsPage};
pub use entry::{
    BringPage, Brought, ChoosePage, EnrolPage, KeptPage, MePage, ProviderPage, SetupPage, SignInPage,
    SignInRow,
};
pub use lessons::{ChosenLessons, OfficeLessons};
pub use menu::{Menu, OfficeHome};
pub use people::{PeopleForm, PeoplePage, PersonRow, ScopeView};
pub use places::{
    Done, ImportPage, InvitedPage, ListedSite, NewSitePage, OfficeSite, OfficeSites, PlaceForm, PlaceLine,
    Sheet, TownshipsPage,
};
pub use remark::Remark;
pub use review::{HeldLesson, ReviewPage, ReviewRow, ReviewVersion};
pub use second_factor::{AuthenticatorPage, RecoveryPage, SecondPage};

pub use schedule::{Played, ScheduleForm, SchedulePage, ScheduleRow, WeekRow, days_said};
pub use sheet::{DifferenceView, SheetPage};
pub use studies::{
    BeginStudy, FigureRow, FiguresPage, PersonPage, PersonStudy, ProposedCorrection, StudiesPage, StudyPage,
    StudyView, hours,
};

/// A page with nothing but what its template says of it.
macro_rules! page {
    ($page:ident, $path:literal, $title:literal) => {
        const _: () = {
            use askama::Template;
            use $crate::portal::views::PageContext;

            #[derive(Template)]
            #[template(path = $path)]
            struct Html<'a> {
                page: &'a $page<'a>,
                ctx: &'a PageContext<'a>,
                heading: String,
            }

            impl $page<'_> {
                /// The page as HTML.
                pub fn render(&self, ctx: &PageContext<'_>) -> Result<String, askama::Error> {
                    Html { page: self, ctx, heading: ctx.t($title) }.render()
                }
            }
        };
    };
}
use page;
