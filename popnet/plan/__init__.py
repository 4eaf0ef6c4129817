"""Plans the networks of a sweep: keys, labels, packs, shards and memory."""

from popnet.canonical import canonical as canonical
from popnet.canonical import digest as digest
from popnet.canonical import label as label
from popnet.plan.cautions import cautions as cautions
from popnet.plan.labels import short_names as short_names
from popnet.plan.memory import TRIALS_AT_ONCE as TRIALS_AT_ONCE
from popnet.plan.memory import memory_of as memory_of
from popnet.plan.memory import shard_bytes as shard_bytes
from popnet.plan.memory import shard_capacity as shard_capacity
from popnet.plan.packing import Pack as Pack
from popnet.plan.packing import packs as packs
from popnet.plan.packing import shards as shards
from popnet.plan.planned_network import PHYSICS as PHYSICS
from popnet.plan.planned_network import PlannedNetwork as PlannedNetwork
from popnet.plan.planned_network import condition_name as condition_name
from popnet.plan.planned_network import name_of as name_of
from popnet.plan.planned_network import network_key as network_key
from popnet.plan.planned_network import networks as networks
