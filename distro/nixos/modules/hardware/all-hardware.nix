# Drivers in the initrd for every machine on which a medium or a disk may be started: controllers
# of disks, card readers, keyboards, and the devices of virtual machines. The names are those of
# Debian's kernel; what a kernel has built in or has not is passed over.
{ config, lib, ... }:

{
  options.hardware.enableAllHardware = lib.mkEnableOption "drivers for most hardware in the initrd";

  config = lib.mkIf config.hardware.enableAllHardware {
    boot.initrd.allowMissingModules = lib.mkDefault true;
    boot.initrd.availableKernelModules = lib.concatLists [
      # SATA and the older PATA
      [
        "ahci" "acard-ahci" "ata_generic" "ata_piix" "pdc_adma"
        "sata_mv" "sata_nv" "sata_promise" "sata_qstor" "sata_sil" "sata_sil24" "sata_sis"
        "sata_svw" "sata_sx4" "sata_uli" "sata_via" "sata_vsc"
        "pata_ali" "pata_amd" "pata_artop" "pata_atiixp" "pata_atp867x" "pata_cmd64x" "pata_efar"
        "pata_hpt366" "pata_hpt37x" "pata_it8213" "pata_it821x" "pata_jmicron" "pata_legacy"
        "pata_marvell" "pata_mpiix" "pata_netcell" "pata_ninja32" "pata_ns87410" "pata_ns87415"
        "pata_oldpiix" "pata_pcmcia" "pata_pdc2027x" "pata_pdc202xx_old" "pata_piccolo" "pata_rdc"
        "pata_rz1000" "pata_sch" "pata_serverworks" "pata_sil680" "pata_sis" "pata_triflex" "pata_via"
      ]
      # SCSI and RAID controllers
      [
        "3w-9xxx" "3w-sas" "3w-xxxx" "aacraid" "advansys" "aic79xx" "aic7xxx" "aic94xx" "arcmsr"
        "atp870u" "BusLogic" "esas2r" "hpsa" "hptiop" "initio" "ipr" "ips" "isci" "megaraid_mbox"
        "megaraid_sas" "mpi3mr" "mpt3sas" "mptfc" "mptsas" "mptspi" "mvsas" "mvumi" "myrb" "myrs"
        "pm80xx" "pmcraid" "qla1280" "smartpqi" "stex" "sym53c8xx" "sd_mod" "sr_mod"
      ]
      # NVMe, UFS, memory cards
      [
        "nvme" "ufshcd-pci" "mmc_block" "sdhci-acpi" "sdhci-pci" "rtsx_pci_sdmmc" "rtsx_usb_sdmmc"
        "alcor" "via-sdmmc" "toshsd" "wbsd" "vub300" "ushc" "memstick" "jmb38x_ms" "tifm_sd"
      ]
      # USB: controllers, storage, keyboards
      [
        "ehci-pci" "ohci-pci" "uhci-hcd" "xhci-pci" "xhci-pci-renesas" "usb-storage" "uas"
        "ums-alauda" "ums-cypress" "ums-datafab" "ums-eneub6250" "ums-freecom" "ums-isd200"
        "ums-jumpshot" "ums-karma" "ums-onetouch" "ums-realtek" "ums-sddr09" "ums-sddr55" "ums-usbat"
        "usbhid" "hid-generic" "hid-apple" "hid-cherry" "hid-corsair" "hid-lenovo"
        "hid-logitech-dj" "hid-logitech-hidpp" "hid-microsoft" "hid-roccat"
      ]
      # FireWire
      [ "firewire-ohci" "firewire-sbp2" ]
      # Virtual machines: VirtIO, VMware, Hyper-V, Xen
      [
        "virtio_blk" "virtio_scsi" "virtio_net" "virtio_pci" "virtio_mmio" "virtio_balloon"
        "virtio_console" "vmw_pvscsi" "vmxnet3" "hv_storvsc" "hv_vmbus" "hv_balloon" "hv_utils"
        "hyperv_keyboard" "xen-blkfront" "xen-scsifront"
      ]
      # Disks over the network
      [ "nbd" "iscsi_tcp" "aoe" ]
    ];
  };
}
