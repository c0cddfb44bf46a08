use std::io;
use tokio::io::{AsyncRead, AsyncReadExt};

const LONGEST_HEAD: usize = 64 * 1024;

/// A whole answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub status: u16,
    /// The header `X-Version`.
    pub version: Option<String>,
    pub body: Vec<u8>,
    /// The connection may carry another request.
    pub keeps: bool,
}

/// Why there is no whole answer.
#[derive(Debug)]
pub(crate) enum ReadError {
    /// The connection ended in order.
    Ended,
    Io(io::Error),
    Malformed(String),
}

/// Bytes from a connection, and those that arrived but are not consumed yet.
pub(crate) struct Incoming<'a, R> {
    reader: R,
    buffer: &'a mut Vec<u8>,
    /// Tells whether any byte of this answer has arrived.
    pub begun: bool,
}

/// How the end of a body is told (RFC 9112, section 6.3).
enum Framing {
    Length(usize),
    Chunked,
    UntilEnd,
}

struct Head {
    status: u16,
    version: Option<String>,
    framing: Framing,
    keeps: bool,
}

impl<'a, R: AsyncRead + Unpin> Incoming<'a, R> {
    pub fn new(reader: R, buffer: &'a mut Vec<u8>) -> Self {
        let begun = !buffer.is_empty();
        Self { reader, buffer, begun }
    }

    /// Reads one answer, to its last byte.
    pub async fn answer(&mut self) -> Result<Answer, ReadError> {
        let mut head = self.head().await?;
        // Interim answers, such as 100, have no body and are followed by the real one.
        while (100..200).contains(&head.status) && head.status != 101 {
            head = self.head().await?;
        }
        let mut body = Vec::new();
        match head.framing {
            Framing::Length(length) => self.take(length, &mut body).await?,
            Framing::Chunked => self.chunks(&mut body).await?,
            Framing::UntilEnd => self.until_end(&mut body).await?,
        }
        Ok(Answer { status: head.status, version: head.version, body, keeps: head.keeps })
    }

    async fn head(&mut self) -> Result<Head, ReadError> {
        loop {
            if !self.buffer.is_empty()
                && let Some((length, head)) = parse_head(self.buffer)?
            {
                self.buffer.drain(..length);
                return Ok(head);
            }
            if self.buffer.len() > LONGEST_HEAD {
                return Err(ReadError::Malformed("a head of more than 64 KiB".into()));
            }
            self.fill().await?;
        }
    }

    async fn take(&mut self, length: usize, body: &mut Vec<u8>) -> Result<(), ReadError> {
        let end = body.len() + length;
        while body.len() < end {
            if self.buffer.is_empty() {
                self.fill().await?;
            }
            let taken = self.buffer.len().min(end - body.len());
            body.extend(self.buffer.drain(..taken));
        }
        Ok(())
    }

    async fn chunks(&mut self, body: &mut Vec<u8>) -> Result<(), ReadError> {
        loop {
            let line = self.line().await?;
            let size = line.split(';').next().unwrap_or_default().trim();
            let size = usize::from_str_radix(size, 16)
                .map_err(|_| ReadError::Malformed(format!("a chunk of size {size:?}")))?;
            if size == 0 {
                while !self.line().await?.is_empty() {}
                return Ok(());
            }
            self.take(size, body).await?;
            if !self.line().await?.is_empty() {
                return Err(ReadError::Malformed("a chunk that is longer than it says".into()));
            }
        }
    }

    async fn until_end(&mut self, body: &mut Vec<u8>) -> Result<(), ReadError> {
        loop {
            body.append(self.buffer);
            match self.fill().await {
                Ok(()) => {}
                Err(ReadError::Ended) => return Ok(()),
                Err(why) => return Err(why),
            }
        }
    }

    async fn line(&mut self) -> Result<String, ReadError> {
        loop {
            if let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.buffer.drain(..=end).collect();
                return Ok(String::from_utf8_lossy(&line).trim_end().to_string());
            }
            if self.buffer.len() > LONGEST_HEAD {
                return Err(ReadError::Malformed("a line of more than 64 KiB".into()));
            }
            self.fill().await?;
        }
    }

    async fn fill(&mut self) -> Result<(), ReadError> {
        match self.reader.read_buf(self.buffer).await {
            Ok(0) => Err(ReadError::Ended),
            Ok(_) => {
                self.begun = true;
                Ok(())
            }
            Err(why) => Err(ReadError::Io(why)),
        }
    }
}

/// The head's length and content, or nothing when it has not arrived whole.
fn parse_head(bytes: &[u8]) -> Result<Option<(usize, Head)>, ReadError> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut response = httparse::Response::new(&mut headers);
    let length = match response.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(why) => return Err(ReadError::Malformed(why.to_string())),
    };
    let find = |name: &str| {
        let header = response.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name))?;
        Some(String::from_utf8_lossy(header.value).into_owned())
    };
    let status = response.code.unwrap_or_default();
    let framing = match (find("transfer-encoding"), find("content-length")) {
        _ if status < 200 || status == 204 || status == 304 => Framing::Length(0),
        (Some(coding), _) if coding.to_ascii_lowercase().ends_with("chunked") => Framing::Chunked,
        (None, Some(length)) => {
            let length = length.parse();
            Framing::Length(
                length.map_err(|_| ReadError::Malformed("a Content-Length that is no number".into()))?,
            )
        }
        _ => Framing::UntilEnd,
    };
    let said = find("connection").unwrap_or_default().to_ascii_lowercase();
    let keeps = match response.version {
        Some(1) => !said.contains("close"),
        _ => said.contains("keep-alive"),
    };
    let keeps = keeps && !matches!(framing, Framing::UntilEnd);
    Ok(Some((length, Head { status, version: find("x-version"), framing, keeps })))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads from bytes that arrive one at a time, and tells what was left over.
    fn read(bytes: &[u8]) -> Result<(Answer, Vec<u8>), ReadError> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let mut trickle = Trickle(bytes.iter().copied().collect());
        let mut buffer = Vec::new();
        let answer = runtime.block_on(Incoming::new(&mut trickle, &mut buffer).answer())?;
        buffer.extend(trickle.0);
        Ok((answer, buffer))
    }

    struct Trickle(std::collections::VecDeque<u8>);

    impl AsyncRead for Trickle {
        fn poll_read(
            mut self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
            buffer: &mut tokio::io::ReadBuf<'_>,
        ) -> std::task::Poll<io::Result<()>> {
            if let Some(byte) = self.0.pop_front() {
                buffer.put_slice(&[byte]);
            }
            std::task::Poll::Ready(Ok(()))
        }
    }

    #[test]
    fn a_length_ends_the_body_and_the_connection_is_kept() {
        let (answer, rest) =
            read(b"HTTP/1.1 200 OK\r\nX-Version: 1.1\r\nContent-Length: 2\r\n\r\nokHTTP").unwrap();
        let expected = Answer { status: 200, version: Some("1.1".into()), body: b"ok".into(), keeps: true };
        assert_eq!((answer, rest.as_slice()), (expected, b"HTTP".as_slice()));
    }

    #[test]
    fn chunks_are_put_together_and_trailers_skipped() {
        let bytes = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\nA\r\n0123456789\r\n0\r\nT: v\r\n\r\n";
        let (answer, rest) = read(bytes).unwrap();
        assert_eq!(answer.body, b"abc0123456789");
        assert!(answer.keeps && rest.is_empty());
    }

    #[test]
    fn without_a_length_the_end_of_the_connection_ends_the_body() {
        let (answer, _) = read(b"HTTP/1.1 200 OK\r\n\r\nto the end").unwrap();
        assert_eq!(answer.body, b"to the end");
        assert!(!answer.keeps);
    }

    #[test]
    fn an_announced_close_and_http_1_0_end_the_connection() {
        assert!(!read(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n").unwrap().0.keeps);
        assert!(!read(b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n").unwrap().0.keeps);
        assert!(
            read(b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n").unwrap().0.keeps
        );
    }

    #[test]
    fn an_interim_answer_is_passed_over() {
        let bytes = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n";
        assert_eq!(read(bytes).unwrap().0.status, 201);
    }

    #[test]
    fn an_end_within_the_answer_is_an_end() {
        for bytes in [
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
            "HTTP/1.1 200 O",
            "",
        ] {
            assert!(matches!(read(bytes.as_bytes()), Err(ReadError::Ended)), "{bytes:?}");
        }
    }

    #[test]
    fn what_is_not_http_is_malformed() {
        for bytes in [
            "SSH-2.0-OpenSSH\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nmany\r\n",
        ] {
            assert!(matches!(read(bytes.as_bytes()), Err(ReadError::Malformed(_))), "{bytes:?}");
        }
    }
}
