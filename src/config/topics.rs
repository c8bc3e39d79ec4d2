//! `[[topic]]`.

use super::Unique;
use crate::base::document::{Document, Fields};
use crate::base::{Titles, TopicId};

/// What lessons are about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topic {
    /// As lessons name it.
    pub id: TopicId,
    /// As people read it.
    pub names: Titles,
}

/// The topics, in the order of the file.
pub(super) fn read(doc: &Document<'_>, root: &Fields<'_, '_>) -> Vec<Topic> {
    let mut ids = Unique::new("topic");
    let topic = |f: Fields<'_, '_>| {
        let id = f.required::<TopicId>("id", "its identifier, such as \"agriculture\"");
        let names = f.required::<Titles>("name", "its name, such as { zh-Hans = \"…\" }");
        f.close();
        let (id, names) = (id?, names?.value);
        ids.claim(doc, &id);
        Some(Topic { id: id.value, names })
    };
    root.tables("topic").into_iter().filter_map(topic).collect()
}
