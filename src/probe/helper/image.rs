use std::hash::{DefaultHasher, Hasher};
use std::io::Read;
use std::path::Path;

use super::elf;
use crate::docker::Engine;
use crate::error::{Context, Error, Kind, Result};
use crate::probe::offline::single;

/// Bytes at the beginning of a binary in which linkers put its build ID.
const HEAD: u64 = 4096;

/// Makes sure that the engine has the helper's image, made of nothing but this binary, and returns its name.
///
/// The name holds the build ID of the binary, or a sum of it, so that every build of bgd has a helper that speaks as it does.
pub(crate) async fn ensure_image(engine: &dyn Engine, binary: &Path) -> Result<String> {
    let head = read(binary, HEAD).await?;
    // What is told by the first bytes is asked first: a binary with debug information has a hundred megabytes.
    if let Some(build) = elf::build_id(&head) {
        let name = name_of(&build);
        if engine.image(&name).await?.is_some() {
            return Ok(name);
        }
    }
    let program = read(binary, u64::MAX).await?;
    let name = image_name(&program);
    if engine.image(&name).await?.is_some() {
        return Ok(name);
    }
    if elf::is_static(&program) != Some(true) {
        return Err(Error::new(Kind::Other, "this bgd is not linked statically, so no helper container can be made of it")
            .hint("use a released binary, or build with: RUSTFLAGS=\"-C target-feature=+crt-static\" cargo build --release --target x86_64-unknown-linux-gnu")
            .hint("or run bgd as root on the Docker host, where it needs no helper"));
    }
    let archive =
        single("bgd", &program, 0o755).or_error(Kind::Other, || "cannot pack bgd's own binary".to_owned())?;
    drop(program);
    // Containers inherit their image's labels, and not all that are made of it are helpers.
    let changes = ["ENTRYPOINT [\"/bgd\"]".to_owned(), "LABEL bgd.image=helper".to_owned()];
    engine.import(archive, &name, &changes).await?;
    Ok(name)
}

/// The name of the image that is made of this program.
pub fn image_name(program: &[u8]) -> String {
    let head = &program[..program.len().min(HEAD as usize)];
    elf::build_id(head).map_or_else(
        || {
            let mut hasher = DefaultHasher::new();
            hasher.write(program);
            name_of(&format!("{:016x}", hasher.finish()))
        },
        |build| name_of(&build),
    )
}

fn name_of(build: &str) -> String {
    format!("bgd-helper:{}-{build}", env!("CARGO_PKG_VERSION"))
}

/// Reads at most this many bytes of bgd's own binary.
async fn read(binary: &Path, limit: u64) -> Result<Vec<u8>> {
    let path = binary.to_owned();
    let bytes = tokio::task::spawn_blocking(move || {
        let mut bytes = Vec::new();
        std::fs::File::open(path)?.take(limit).read_to_end(&mut bytes).map(|_| bytes)
    });
    let read = bytes.await.map_err(std::io::Error::other).and_then(|read| read);
    read.or_error(Kind::Other, || format!("cannot read bgd's own binary {}", binary.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_binary_has_another_image() {
        assert_eq!(image_name(b"one"), image_name(b"one"));
        assert_ne!(image_name(b"one"), image_name(b"two"));
        assert!(crate::model::ImageRef::parse(&image_name(b"one")).is_ok());
    }
}
