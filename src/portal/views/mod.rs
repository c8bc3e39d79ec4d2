//! The pages: what each shows (its view-model) and how it is written as HTML.
//!
//! Handlers fill the view-models; nothing here looks anything up. Every page
//! is whole without script; scripts only add to it.

mod channel;
mod context;
mod design;
mod error;
mod evening;
mod guide;
mod home;
mod lesson;
mod manifest;
mod model;
mod office;
mod offline;
mod poster;
mod sites;
mod title;
mod tv;

pub use channel::ChannelPage;
pub use context::PageContext;
pub use design::DesignPage;
pub use error::ErrorPage;
pub use evening::{EveningPage, KeptEvening};
pub use guide::GuidePage;
pub use home::HomePage;
pub use lesson::{DocumentView, LessonFile, LessonPage, LessonsPage};
pub use manifest::{MANIFEST, manifest};
pub use model::{
    Board, ChannelCard, ChannelStatus, LessonCard, PackagingState, PackagingView, ProgrammeKind,
    ProgrammeView,
};
pub use office::{
    Alarm, ApiPage, AsRunPage, AsRunPart, AsRunRow, AuditPage, AuditRow, AuthenticatorPage, BeginStudy,
    BringPage, Brought, CataloguePage, CatalogueRow, Choice, ChoosePage, ChosenLessons, DifferenceView,
    DirectPage, Done, DutyChannel, DutyPage, EnrolPage, EntryList, EntryPage, EntryRow, Field, FieldValue,
    FigureRow, FiguresPage, HandView, HeldLesson, ImportPage, InvitedPage, KeptPage, ListedSite, MePage,
    Menu, NewSitePage, OfficeDocuments, OfficeHome, OfficeLessons, OfficeSite, OfficeSites, PartGroup,
    PartRow, PartsPage, PeopleForm, PeoplePage, PersonPage, PersonRow, PersonStudy, PlaceForm, PlaceLine,
    Played, ProposedCorrection, ProviderPage, RecoveryPage, RelayRow, Remark, ReviewPage, ReviewRow,
    ReviewVersion, ScheduleForm, SchedulePage, ScheduleRow, ScopeView, SecondPage, SetupPage, Sheet,
    SheetPage, SignInPage, SignInRow, SourceView, StudiesPage, StudyPage, StudyView, TokenPage, TokenRow,
    TownshipsPage, WeekRow, days_said, hours,
};
pub use offline::OfflinePage;
pub use poster::{Paper, PosterPage};
pub use sites::{
    CloseReason, Level, SessionState, SessionSubject, SessionView, SitePage, SiteRow, SiteStudied, SitesPage,
    TerminalState, TerminalView, Totals, TownshipRow, Uncounted,
};
pub use tv::{TvChannel, TvPage};

#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;
