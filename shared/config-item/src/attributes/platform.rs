//! What is kept of interfaces, delivery, identity and operations.

super::types! {
    "AWS::ApiGateway::RestApi" [] {
        endpointTypes List "endpointConfiguration.types"
        apiKeySource Text "apiKeySource"
        defaultEndpointDisabled Flag "disableExecuteApiEndpoint"
    }
    "AWS::ApiGateway::Stage" [] {
        stageName Text "stageName"
        deploymentId Text "deploymentId"
        cacheEnabled Flag "cacheClusterEnabled"
        tracingEnabled Flag "tracingEnabled"
    }
    "AWS::ApiGatewayV2::Api" [] {
        protocol Text "protocolType"
        endpoint Text "apiEndpoint"
        defaultEndpointDisabled Flag "disableExecuteApiEndpoint"
    }
    "AWS::ApiGatewayV2::Stage" [] {
        stageName Text "stageName"
        autoDeploy Flag "autoDeploy"
    }
    "AWS::AppSync::GraphQLApi" [] {
        authentication Text "authenticationType"
        visibility Text "visibility"
    }
    "AWS::CloudFront::Distribution" ["status"] {
        domainName Text "domainName"
        enabled Flag "distributionConfig.enabled"
        priceClass Text "distributionConfig.priceClass"
        httpVersion Text "distributionConfig.httpVersion"
        minimumTlsVersion Text "distributionConfig.viewerCertificate.minimumProtocolVersion"
        ipv6Enabled Flag "distributionConfig.isIPV6Enabled"
        webAcl Text "distributionConfig.webACLId"
    }
    "AWS::Route53::HostedZone" [] {
        privateZone Flag "config.privateZone"
    }
    "AWS::CloudFormation::Stack" ["stackStatus"] {
        stackName Text "stackName"
        drift Text "driftInformation.stackDriftStatus"
        terminationProtection Flag "enableTerminationProtection"
        parentStack Text "parentId"
    }
    "AWS::CodePipeline::Pipeline" [] {
        pipelineType Text "pipelineType"
        executionMode Text "executionMode"
        version Number "version"
    }
    "AWS::CodeBuild::Project" [] {
        sourceType Text "source.type"
        computeType Text "environment.computeType"
        environmentType Text "environment.type"
        image Text "environment.image"
        privileged Flag "environment.privilegedMode"
        timeoutMinutes Number "timeoutInMinutes"
    }
    "AWS::CodeDeploy::Application" [] {
        computePlatform Text "computePlatform"
    }
    "AWS::StepFunctions::StateMachine" ["status"] {
        stateMachineType Text "stateMachineType"
        tracingEnabled Flag "tracingConfiguration.enabled"
    }
    "AWS::Events::Rule" ["state"] {
        schedule Text "scheduleExpression"
        eventBus Text "eventBusName"
    }
    "AWS::Events::EventBus" [] {
        kmsKey Text "kmsKeyIdentifier"
    }
    "AWS::ECR::Repository" [] {
        repositoryUri Text "repositoryUri"
        tagMutability Text "imageTagMutability"
        scanOnPush Flag "imageScanningConfiguration.scanOnPush"
        encryption Text "encryptionConfiguration.encryptionType"
    }
    "AWS::IAM::Role" [] {
        path Text "path"
        maxSessionSeconds Number "maxSessionDuration"
        permissionsBoundary Present "permissionsBoundary"
    }
    "AWS::IAM::User" [] {
        path Text "path"
        permissionsBoundary Present "permissionsBoundary"
    }
    "AWS::IAM::Group" [] {
        path Text "path"
    }
    "AWS::IAM::Policy" [] {
        path Text "path"
        defaultVersion Text "defaultVersionId"
        attachable Flag "isAttachable"
    }
    "AWS::KMS::Key" ["keyState"] {
        keyManager Text "keyManager"
        keySpec Text "keySpec"
        keyUsage Text "keyUsage"
        origin Text "origin"
        multiRegion Flag "multiRegion"
        keyRotation Flag "+KeyRotationStatus"
    }
    "AWS::SecretsManager::Secret" [] {
        kmsKey Text "kmsKeyId"
        rotationDays Number "rotationRules.automaticallyAfterDays"
    }
    "AWS::ACM::Certificate" ["status"] {
        domainName Text "domainName"
        certificateType Text "type"
        keyAlgorithm Text "keyAlgorithm"
        expiresAt Text "notAfter"
        renewalEligibility Text "renewalEligibility"
    }
    "AWS::CloudTrail::Trail" [] {
        multiRegion Flag "isMultiRegionTrail"
        organization Flag "isOrganizationTrail"
        logFileValidation Flag "logFileValidationEnabled"
        homeRegion Text "homeRegion"
    }
    "AWS::CloudWatch::Alarm" [] {
        metric Text "metricName"
        namespace Text "namespace"
        actionsEnabled Flag "actionsEnabled"
    }
    "AWS::Organizations::Account" ["status"] {
        joinedMethod Text "joinedMethod"
        organizationalUnit Text "parentIds.0"
    }
    "AWS::Cognito::UserPool" [] {
        mfa Text "mfaConfiguration"
        deletionProtection Text "deletionProtection"
    }
    "AWS::Logs::LogGroup" [] {
        retentionInDays Number "retentionInDays"
        logGroupClass Text "logGroupClass"
        kmsKey Text "kmsKeyId"
    }
    "AWS::WAFv2::WebACL" [] {
        capacity Number "capacity"
    }
    "AWS::SageMaker::NotebookInstance" ["notebookInstanceStatus"] {
        instanceType Text "instanceType"
        directInternetAccess Text "directInternetAccess"
        volumeSizeInGb Number "volumeSizeInGB"
    }
    "AWS::SageMaker::Endpoint" ["endpointStatus"] {
        endpointConfig Text "endpointConfigName"
    }
}
