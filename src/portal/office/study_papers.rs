//! Photos and scanned sheets of group studies: taken, shown, erased.

use hyper::header::{CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, X_CONTENT_TYPE_OPTIONS};
use sha2::{Digest as _, Sha256};
use tokio::sync::Mutex;

use crate::base::replace_file;
use crate::evidence::{Paper, PaperKind};
use crate::people::Rights;
use crate::portal::reply::Reply;
use crate::portal::state::Portal;
use crate::portal::views::PageContext;
use crate::store::StoredStudy;

use super::request::{Form, OfficeRequest};
use super::studies::{ROOM, may_decide};
use super::terminals::to_the_end;
use super::{Answer, Refusal, Visitor};

/// Largest, bytes: what a phone's camera makes.
pub(super) const LARGEST_PAPER: usize = 12 << 20;
/// Most of one study.
const MOST: usize = 12;
/// Files and rows of papers change together.
static CHANGING: Mutex<()> = Mutex::const_new(());

impl Portal {
    /// Where their bytes are, each named by its hash.
    fn paper_file(&self, sha256: &str) -> std::path::PathBuf {
        self.county.load().data.join("papers").join(sha256)
    }

    /// Takes one from who keeps the site. It is on disk, then in the store.
    pub(super) async fn add_paper(
        &self,
        request: &OfficeRequest<'_>,
        ctx: &PageContext<'_>,
        visitor: &Visitor,
        rights: &Rights<'_>,
        (stored, form): (&StoredStudy, &Form),
    ) -> Answer {
        if !rights.keep_site(&stored.study.site) {
            return Err(Refusal::Forbidden);
        }
        let wrong = Some(ctx.t("study-paper-wrong"));
        let good = form.file("paper").filter(|bytes| bytes.len() <= LARGEST_PAPER);
        let Some((bytes, kind)) = good.and_then(|bytes| Some((bytes.clone(), PaperKind::of(bytes)?))) else {
            return self.study_page(ctx, visitor, rights, (stored, wrong)).await;
        };
        let paper = Paper {
            study: stored.id,
            sha256: hex::encode(Sha256::digest(&bytes)),
            kind,
            bytes: bytes.len() as u64,
            by: visitor.account.id.clone(),
            at: ctx.now,
        };
        let subject = format!("study/{}", stored.id);
        let entry = request.entry(Some(&visitor.account.id), "study-paper-added", subject);
        let (path, store) = (self.paper_file(&paper.sha256), self.store.clone());
        let added = to_the_end(async move {
            let _alone = CHANGING.lock().await;
            // Before it is written: a file without a row nobody could erase.
            let there = store.papers(paper.study).await?;
            let live = || there.iter().filter(|p| !p.erased);
            if live().count() >= MOST || live().any(|p| p.paper.sha256 == paper.sha256) {
                return Ok(false);
            }
            let written = tokio::task::spawn_blocking(move || {
                std::fs::create_dir_all(path.parent().unwrap_or(&path))?;
                replace_file(&path, &bytes)
            });
            written
                .await
                .map_err(|e| Refusal::Ours(e.to_string()))?
                .map_err(|e| Refusal::Ours(e.to_string()))?;
            store.add_paper(paper, entry).await?;
            Ok::<_, Refusal>(true)
        });
        match added.await?? {
            true => Ok(Reply::see_other(&format!("{ROOM}/{}", stored.id))),
            false => self.study_page(ctx, visitor, rights, (stored, wrong)).await,
        }
    }

    /// Its bytes, for whoever may see the study.
    pub(super) async fn paper(&self, stored: &StoredStudy, id: &str) -> Answer {
        let id = id.parse::<i64>().map_err(|_| Refusal::Unknown)?;
        let papers = self.store.papers(stored.id).await?;
        let found = papers.into_iter().find(|p| p.id == id && !p.erased).ok_or(Refusal::Unknown)?;
        let path = self.paper_file(&found.paper.sha256);
        let read = tokio::task::spawn_blocking(move || std::fs::read(path)).await;
        let bytes =
            read.map_err(|e| Refusal::Ours(e.to_string()))?.map_err(|e| Refusal::Ours(e.to_string()))?;
        // It was brought by somebody: whatever it is, it runs nothing here.
        let shown =
            if found.paper.kind.is_picture() { "inline" } else { "attachment; filename=\"sheet.pdf\"" };
        Ok(Reply::ok(found.paper.kind.media_type(), bytes)
            .with(CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox")
            .with(X_CONTENT_TYPE_OPTIONS, "nosniff")
            .with(CONTENT_DISPOSITION, shown))
    }

    /// Erases one, by somebody above the site: its bytes, and what the log holds of it.
    pub(super) async fn erase_paper(
        &self,
        request: &OfficeRequest<'_>,
        visitor: &Visitor,
        rights: &Rights<'_>,
        (stored, id): (&StoredStudy, &str),
    ) -> Answer {
        if !may_decide(self, rights, &stored.study.site) {
            return Err(Refusal::Forbidden);
        }
        let id = id.parse::<i64>().map_err(|_| Refusal::Unknown)?;
        let subject = format!("study/{}", stored.id);
        let entry = request.entry(Some(&visitor.account.id), "study-paper-erased", subject);
        let (store, now, study) = (self.store.clone(), request.page.now, stored.id);
        let papers = self.paper_file("");
        to_the_end(async move {
            let _alone = CHANGING.lock().await;
            let erased = store.erase_paper((study, id), now, entry).await?;
            let (paper, alone) = erased.ok_or(Refusal::Unknown)?;
            if alone {
                let gone =
                    tokio::task::spawn_blocking(move || std::fs::remove_file(papers.join(paper.sha256)));
                match gone.await.map_err(|e| Refusal::Ours(e.to_string()))? {
                    Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                        return Err(Refusal::Ours(e.to_string()));
                    }
                    _ => {}
                }
            }
            Ok(())
        })
        .await??;
        Ok(Reply::see_other(&format!("{ROOM}/{}", stored.id)))
    }
}
