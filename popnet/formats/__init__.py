"""Networks and recordings of other people's programs, read as what metrics compare.

A folder is read by ``read_folder``.  Nothing is ever unpickled, no link is followed,
and a key that has no known meaning is listed rather than guessed at.
"""

from popnet.formats.folder import ForeignFolder as ForeignFolder
from popnet.formats.folder import ForeignNetwork as ForeignNetwork
from popnet.formats.folder import read_folder as read_folder
