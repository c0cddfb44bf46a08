use std::io::{self, Write};

use super::Style;

/// A writer of lines, such as those of a log, that are cleaned when a runner reads them.
#[derive(Debug)]
pub struct Clean<W> {
    inner: W,
    style: Style,
}

impl<W: Write> Clean<W> {
    /// Cleans what goes to this writer; each write is whole lines.
    pub fn new(inner: W, style: Style) -> Self {
        Self { inner, style }
    }
}

impl<W: Write> Write for Clean<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.style.github {
            return self.inner.write(bytes);
        }
        self.inner.write_all(self.style.clean(&String::from_utf8_lossy(bytes)).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
