//! Putting a package in place in one step.

use std::fs::{self, File};
use std::path::Path;

use crate::base::take_place;
use crate::hls::Manifest;
use crate::pipeline::PipelineError;

/// Writes the manifest, makes everything durable and moves the folder to its
/// final name in one step; a package that stood there is moved aside, so that
/// what is on air can end.
pub(in crate::pipeline) fn publish(
    folder: &Path,
    target: &Path,
    manifest: &Manifest,
) -> Result<(), PipelineError> {
    let path = folder.join("package.json");
    let text = serde_json::to_vec_pretty(manifest).expect("a manifest is plain data");
    fs::write(&path, text).map_err(PipelineError::io(&path))?;
    for file in [&path, folder] {
        File::open(file).and_then(|f| f.sync_all()).map_err(PipelineError::io(file))?;
    }
    let aside = target.with_file_name(format!(".old-{}-{}", manifest.id, std::process::id()));
    take_place(folder, target, &aside).map_err(PipelineError::io(target))
}
