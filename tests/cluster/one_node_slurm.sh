#!/bin/bash
# A real Slurm of one node, as root, on loopback alone: one_node_slurm.sh up|down FOLDER [CPUS]
# Debian: apt-get install slurm-wlm munge. Without systemd, so the daemons are started and ended here, by their pid files.
set -e
D=$2; CPUS=${3:-4}
if [ "$1" = down ]; then
  for f in "$D"/slurmd.pid "$D"/slurmctld.pid "$D"/munged.pid; do [ -s "$f" ] && kill "$(cat "$f")" || true; done
  exit
fi
mkdir -p "$D"/state "$D"/spool "$D"/log
if ! munge -n 2> /dev/null | unmunge > /dev/null 2>&1; then
  install -d -o munge -g munge -m 0755 /run/munge
  [ -s /etc/munge/munge.key ] || { dd if=/dev/urandom of=/etc/munge/munge.key bs=128 count=1 2> /dev/null; }
  chown munge:munge /etc/munge/munge.key; chmod 400 /etc/munge/munge.key
  setpriv --reuid=munge --regid=munge --clear-groups /usr/sbin/munged
  cp /run/munge/munged.pid "$D"/munged.pid
fi
cat > "$D"/slurm.conf <<CONF
ClusterName=test
SlurmctldHost=$(hostname -s)(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CryptoType=crypto/munge
AuthInfo=cred_expire=10
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
SlurmctldPort=16827
SlurmdPort=16828
StateSaveLocation=$D/state
SlurmdSpoolDir=$D/spool
SlurmctldPidFile=$D/slurmctld.pid
SlurmdPidFile=$D/slurmd.pid
SlurmctldLogFile=$D/log/slurmctld.log
SlurmdLogFile=$D/log/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=1,sched_interval=5
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
ReturnToService=2
SlurmdParameters=config_overrides
JobRequeue=1
KillWait=5
MinJobAge=86400
MailProg=/bin/true
NodeName=$(hostname -s) NodeAddr=127.0.0.1 CPUs=$CPUS RealMemory=16000 State=UNKNOWN
PartitionName=main Nodes=$(hostname -s) Default=YES MaxTime=INFINITE State=UP
CONF
export SLURM_CONF=$D/slurm.conf
slurmctld
slurmd
for _ in $(seq 60); do sinfo -h -o %T 2> /dev/null | grep -q idle && exit; sleep 0.5; done
echo "no idle node" >&2
exit 1
