use std::io;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::time::timeout;

const TIME_LIMIT: Duration = Duration::from_secs(2);
const KEY: &str = "requests";

/// A Redis that counts, spoken to in its own protocol (RESP) over one connection.
pub struct Redis {
    address: String,
    connection: Mutex<Option<BufReader<TcpStream>>>,
}

impl Redis {
    /// One at `HOST:PORT`. It is connected to when it is first asked.
    pub fn new(address: String) -> Self {
        Self { address, connection: Mutex::new(None) }
    }

    /// Counts one more, and returns how many that makes.
    ///
    /// Nothing is sent twice: when the answer does not come, it is not known whether Redis has counted.
    pub async fn count(&self) -> io::Result<u64> {
        let mut kept = self.connection.lock().await;
        // Taken out, so that a connection on which something went wrong is not used again.
        let connection = kept.take().filter(is_open);
        let asked = async {
            let mut connection = match connection {
                Some(connection) => connection,
                None => BufReader::new(TcpStream::connect(&self.address).await?),
            };
            let command = format!("*2\r\n$4\r\nINCR\r\n${}\r\n{KEY}\r\n", KEY.len());
            connection.write_all(command.as_bytes()).await?;
            let mut line = String::new();
            connection.read_line(&mut line).await?;
            let number = line.strip_prefix(':').and_then(|number| number.trim_end().parse().ok());
            let number = number.ok_or_else(|| io::Error::other(format!("Redis says {line:?}")))?;
            io::Result::Ok((connection, number))
        };
        let (connection, number) = timeout(TIME_LIMIT, asked).await??;
        *kept = Some(connection);
        Ok(number)
    }
}

/// Whether Redis has not closed the connection since it was last used, as it does when it is restarted.
fn is_open(connection: &BufReader<TcpStream>) -> bool {
    let read = connection.get_ref().try_read(&mut [0]);
    read.is_err_and(|why| why.kind() == io::ErrorKind::WouldBlock)
}
