//! What is kept of databases, storage, queues and streams.

super::types! {
    "AWS::RDS::DBInstance" ["dBInstanceStatus"] {
        engine Text "engine"
        engineVersion Text "engineVersion"
        instanceClass Text "dBInstanceClass"
        cluster Text "dBClusterIdentifier"
        endpoint Text "endpoint.address"
        port Number "endpoint.port"
        allocatedStorage Number "allocatedStorage"
        storageType Text "storageType"
        iops Number "iops"
        storageEncrypted Flag "storageEncrypted"
        multiAz Flag "multiAZ"
        publiclyAccessible Flag "publiclyAccessible"
        backupRetentionPeriod Number "backupRetentionPeriod"
        deletionProtection Flag "deletionProtection"
        autoMinorVersionUpgrade Flag "autoMinorVersionUpgrade"
        iamAuthentication Flag "iAMDatabaseAuthenticationEnabled"
        licenseModel Text "licenseModel"
        caCertificate Text "cACertificateIdentifier"
    }
    "AWS::RDS::DBCluster" ["status"] {
        engine Text "engine"
        engineVersion Text "engineVersion"
        engineMode Text "engineMode"
        instanceClass Text "dBClusterInstanceClass"
        endpoint Text "endpoint"
        readerEndpoint Text "readerEndpoint"
        port Number "port"
        allocatedStorage Number "allocatedStorage"
        storageEncrypted Flag "storageEncrypted"
        multiAz Flag "multiAZ"
        backupRetentionPeriod Number "backupRetentionPeriod"
        deletionProtection Flag "deletionProtection"
        iamAuthentication Flag "iAMDatabaseAuthenticationEnabled"
        minCapacity Number "serverlessV2ScalingConfiguration.minCapacity"
        maxCapacity Number "serverlessV2ScalingConfiguration.maxCapacity"
    }
    "AWS::RDS::DBSnapshot" ["status"] {
        engine Text "engine"
        engineVersion Text "engineVersion"
        snapshotType Text "snapshotType"
        allocatedStorage Number "allocatedStorage"
        encrypted Flag "encrypted"
    }
    "AWS::RDS::DBClusterSnapshot" ["status"] {
        engine Text "engine"
        engineVersion Text "engineVersion"
        snapshotType Text "snapshotType"
        allocatedStorage Number "allocatedStorage"
        storageEncrypted Flag "storageEncrypted"
    }
    "AWS::RDS::DBSubnetGroup" ["subnetGroupStatus"] {
        vpcId Text "vpcId"
    }
    "AWS::DynamoDB::Table" ["tableStatus"] {
        billingMode Text "billingModeSummary.billingMode"
        tableClass Text "tableClassSummary.tableClass"
        readCapacity Number "provisionedThroughput.readCapacityUnits"
        writeCapacity Number "provisionedThroughput.writeCapacityUnits"
        encryption Text "sSEDescription.sSEType"
        streamView Text "streamSpecification.streamViewType"
        pointInTimeRecovery Text "+ContinuousBackupsDescription.pointInTimeRecoveryDescription.pointInTimeRecoveryStatus"
        deletionProtection Flag "deletionProtectionEnabled"
    }
    "AWS::S3::Bucket" [] {
        versioning Text "+BucketVersioningConfiguration.status"
        encryption Text "+ServerSideEncryptionConfiguration.rules.0.applyServerSideEncryptionByDefault.sseAlgorithm"
        blockPublicAcls Flag "+PublicAccessBlockConfiguration.blockPublicAcls"
        blockPublicPolicy Flag "+PublicAccessBlockConfiguration.blockPublicPolicy"
        ignorePublicAcls Flag "+PublicAccessBlockConfiguration.ignorePublicAcls"
        restrictPublicBuckets Flag "+PublicAccessBlockConfiguration.restrictPublicBuckets"
        requesterPays Flag "+IsRequesterPaysEnabled"
        acceleration Text "+BucketAccelerateConfiguration.status"
    }
    "AWS::S3::AccountPublicAccessBlock" [] {
        blockPublicAcls Flag "blockPublicAcls"
        blockPublicPolicy Flag "blockPublicPolicy"
        ignorePublicAcls Flag "ignorePublicAcls"
        restrictPublicBuckets Flag "restrictPublicBuckets"
    }
    "AWS::SQS::Queue" [] {
        fifoQueue Flag "fifoQueue"
        delaySeconds Number "delaySeconds"
        retentionSeconds Number "messageRetentionPeriod"
        visibilityTimeoutSeconds Number "visibilityTimeout"
        maxMessageBytes Number "maximumMessageSize"
        kmsKey Text "kmsMasterKeyId"
        sseManaged Flag "sqsManagedSseEnabled"
    }
    "AWS::SNS::Topic" [] {
        fifoTopic Flag "fifoTopic"
        kmsKey Text "kmsMasterKeyId"
    }
    "AWS::Kinesis::Stream" ["streamStatus"] {
        shardCount Number "shardCount"
        retentionHours Number "retentionPeriodHours"
        mode Text "streamModeDetails.streamMode"
        encryption Text "streamEncryption.encryptionType"
    }
    "AWS::KinesisFirehose::DeliveryStream" ["deliveryStreamStatus"] {
        streamType Text "deliveryStreamType"
    }
    "AWS::MSK::Cluster" ["state"] {
        kafkaVersion Text "kafkaVersion"
        numberOfBrokerNodes Number "numberOfBrokerNodes"
        instanceType Text "brokerNodeGroupInfo.instanceType"
    }
    "AWS::ElastiCache::CacheCluster" ["cacheClusterStatus"] {
        engine Text "engine"
        engineVersion Text "engineVersion"
        nodeType Text "cacheNodeType"
        nodeCount Number "numCacheNodes"
        encryptedInTransit Flag "transitEncryptionEnabled"
        encrypted Flag "atRestEncryptionEnabled"
    }
    "AWS::ElastiCache::ReplicationGroup" ["status"] {
        engine Text "engine"
        engineVersion Text "engineVersion"
        nodeType Text "cacheNodeType"
        multiAz Text "multiAZ"
        encryptedInTransit Flag "transitEncryptionEnabled"
        encrypted Flag "atRestEncryptionEnabled"
    }
    "AWS::Redshift::Cluster" ["clusterStatus"] {
        nodeType Text "nodeType"
        numberOfNodes Number "numberOfNodes"
        engineVersion Text "clusterVersion"
        endpoint Text "endpoint.address"
        port Number "endpoint.port"
        encrypted Flag "encrypted"
        publiclyAccessible Flag "publiclyAccessible"
    }
    "AWS::OpenSearch::Domain" ["domainProcessingStatus"] {
        engineVersion Text "engineVersion"
        instanceType Text "clusterConfig.instanceType"
        instanceCount Number "clusterConfig.instanceCount"
        endpoint Text "domainEndpoint"
        encrypted Flag "encryptionAtRestOptions.enabled"
    }
    "AWS::Elasticsearch::Domain" [] {
        engineVersion Text "elasticsearchVersion"
        instanceType Text "elasticsearchClusterConfig.instanceType"
        instanceCount Number "elasticsearchClusterConfig.instanceCount"
        endpoint Text "endpoint"
        encrypted Flag "encryptionAtRestOptions.enabled"
    }
    "AWS::EFS::FileSystem" [] {
        performanceMode Text "performanceMode"
        throughputMode Text "throughputMode"
        encrypted Flag "encrypted"
    }
    "AWS::Backup::BackupVault" [] {
        kmsKey Text "encryptionKeyArn"
    }
    "AWS::Athena::WorkGroup" ["state"] {
        engineVersion Text "workGroupConfiguration.engineVersion.effectiveEngineVersion"
    }
    "AWS::Glue::Job" [] {
        glueVersion Text "glueVersion"
        workerType Text "workerType"
        workerCount Number "numberOfWorkers"
    }
}
