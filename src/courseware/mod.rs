//! Courseware: uploads, the inbox, the packaging queue, the catalogue, documents.
//!
//! Invariants: a reader never sees half a package; a file in the inbox stays
//! there until its package stands or a reason why not is written down; what is held
//! is nobody's to play. Knows no HTTP.

mod archive;
mod attachments;
mod catalogue;
mod hold;
mod inbox;
mod integrity;
mod keep;
mod papers;
mod queue;
mod review;
mod search;
mod tus;
mod uploads;

pub use archive::{UnpackJob, UnpackLine, unpack};
pub use attachments::{Attachment, Attachments, ByLesson};
pub use catalogue::{Catalogue, Library, LibraryError, Package};
pub use hold::{Hold, waiting_folder};
pub use inbox::{Ready, Scanner, SideFiles, lesson_id, side_file};
pub use integrity::{Damage, Fingerprint, fingerprint, verify};
pub use keep::{KeepError, Unfinished, keep};
pub use papers::{PaperJob, PaperLine, look_at};
pub use queue::{InWords, JobState, JobStatus, News, Outcome, Queue, QueueEvent};
pub use review::{Act, NotNow, Person, Review, Stage, Step};
pub use search::{finds, fold};
pub use tus::{BadHeader, Checksum, Wish};
pub use uploads::{Arrival, Upload, UploadError, UploadLimits, UploadWriter, Uploads};
